import { Anchor, Badge, Container, Divider, Group, Loader, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { NotFound } from "../../app/ErrorPage";
import { localTime } from "../grid/cellText";
import { HistoryLink } from "../history/HistoryLink";
import { ErrorNote } from "../people/ErrorNote";
import { AppEnd } from "./AppEnd";
import { AppGrants } from "./AppGrants";
import { AppLimits } from "./AppLimits";
import { CopyLine } from "./CopyLine";
import { Credentials } from "./Credentials";
import { OnlyManagers } from "./OnlyManagers";
import { appsQuery } from "./queries";
import { SecretNote } from "./SecretNote";

/** One app: its credentials, grants and limits. */
export function AppPage() {
  const { workspace = "main", clientId = "" } = useParams();
  return (
    <OnlyManagers title="App" workspace={workspace}>
      <OneApp workspace={workspace} clientId={clientId} />
    </OnlyManagers>
  );
}

function OneApp({ workspace, clientId }: { workspace: string; clientId: string }) {
  const apps = useQuery(appsQuery(workspace));
  const app = apps.data?.find((each) => each.clientId === clientId);
  useDocumentTitle(`${app?.name ?? "App"} – Rowkeep`);
  if (apps.data !== undefined && app === undefined) return <NotFound />;
  return (
    <Container size="md" p="md" w="100%" ml={0}>
      <Text size="sm">
        <Anchor component={Link} underline="always" to={`/w/${workspace}/apps`}>
          Apps
        </Anchor>
      </Text>
      <Group mb="xs">
        <Title order={1} size="h2">
          {app?.name ?? "App"}
        </Title>
        {app?.enabled === false && <Badge variant="default">disabled</Badge>}
      </Group>
      <ErrorNote error={apps.error} />
      {apps.isPending && <Loader aria-label="Loading the app" />}
      {app !== undefined && (
        <div key={app.clientId}>
          <CopyLine name="the client id" value={app.clientId} />
          <Text size="sm" c="dimmed" my="xs">
            Created on {localTime(app.createdOn)}.{" "}
            <HistoryLink workspace={workspace} selection={{ writer: app.clientId }}>
              What it wrote
            </HistoryLink>
          </Text>
          <SecretNote clientId={app.clientId} />
          <AppGrants workspace={workspace} app={app} />
          <Divider my="lg" />
          <Credentials workspace={workspace} app={app} />
          <Divider my="lg" />
          <AppLimits workspace={workspace} app={app} />
          <Divider my="lg" />
          <AppEnd workspace={workspace} app={app} />
        </div>
      )}
    </Container>
  );
}
