import { Anchor, Button, List, Loader, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { ErrorNote } from "../people/ErrorNote";
import { RIGHTS } from "./grants";
import { type App, appGrantsQuery, type Grant } from "./queries";

interface AppGrantsProps {
  workspace: string;
  app: App;
}

/** What an app may use, with ready code for each. */
export function AppGrants({ workspace, app }: AppGrantsProps) {
  const grants = useQuery(appGrantsQuery(workspace, app.clientId));
  return (
    <section aria-label="Grants">
      <Title order={2} size="h4" mb="xs">
        Grants
      </Title>
      <ErrorNote error={grants.error} />
      {grants.isPending && <Loader size="sm" aria-label="Loading grants" />}
      {grants.data?.length === 0 && <Text size="sm">It may use nothing yet.</Text>}
      <List size="sm" mb="xs">
        {grants.data?.map((grant) => {
          const { kind, name } = placeOf(grant);
          return (
            <List.Item key={`${kind} ${name}`}>
              <Anchor component={Link} underline="always" inherit to={`/w/${workspace}/${kind}/${name}`}>
                {name}
              </Anchor>
              : {RIGHTS.filter((right) => grant[right]).join(", ")} (
              <Anchor
                component={Link}
                underline="always"
                inherit
                to={`/w/${workspace}/${kind}/${name}/code?app=${app.clientId}`}
              >
                code<span className="visually-hidden"> for {name}</span>
              </Anchor>
              )
            </List.Item>
          );
        })}
      </List>
      <Button size="xs" variant="default" component={Link} to={`/w/${workspace}/grants?app=${app.clientId}`}>
        Change grants
      </Button>
    </section>
  );
}

function placeOf(grant: Grant) {
  return "view" in grant ? { kind: "views", name: grant.view } : { kind: "tables", name: grant.table };
}
