import {
  Anchor,
  Button,
  Center,
  Container,
  Divider,
  Group,
  Loader,
  NativeSelect,
  Text,
  Textarea,
  Title,
} from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { NotFound } from "../../app/ErrorPage";
import { appsQuery, shownOnceQuery } from "../apps/queries";
import { canSign, type Credentials, type SigningApp } from "../apps/signing";
import { type Column, columnsOfTable, columnsOfView } from "../grid/columns";
import type { Source } from "../grid/rowQueries";
import { ErrorNote } from "../people/ErrorNote";
import { useIsManager } from "../session/useIsManager";
import { tableQuery } from "../tables/queries";
import { useUsable } from "../tables/useUsable";
import { AppChoice } from "./AppChoice";
import { CodeTabs } from "./CodeTabs";
import { type Operation, OPERATIONS, operationsOf, requestOf } from "./requests";
import { TryIt } from "./TryIt";
import { useToken } from "./useToken";

/** Ready code for a table or view, and its requests to try. */
export function CodePage() {
  const { workspace = "main", kind = "", name = "" } = useParams();
  if (kind !== "tables" && kind !== "views") return <NotFound />;
  return <Loaded key={`${workspace} ${kind} ${name}`} source={{ workspace, kind, name }} />;
}

function Loaded({ source }: { source: Source }) {
  const { workspace, kind, name } = source;
  const table = useQuery({ ...tableQuery(workspace, name), enabled: kind === "tables" });
  const usable = useUsable(workspace, name, kind === "views");
  // an app that the address names is chosen at once
  const isManager = useIsManager(workspace);
  const apps = useQuery({ ...appsQuery(workspace), enabled: isManager });
  useDocumentTitle(`Code for ${name} – Rowkeep`);
  const view = usable.found;
  const error = table.error ?? usable.error;
  if (kind === "views" && usable.data !== undefined && view === undefined) return <NotFound />;
  const found = kind === "tables" ? table.data : view;
  if (error !== null || found === undefined || (isManager && apps.isPending)) {
    return error === null ? (
      <Center p="xl">
        <Loader aria-label="Loading" />
      </Center>
    ) : (
      <Container p="md" ml={0}>
        <Title order={1} size="h2">
          Code for {name}
        </Title>
        <ErrorNote error={error} />
      </Container>
    );
  }
  const columns = table.data === undefined ? view && columnsOfView(view) : columnsOfTable(table.data);
  return <Code source={{ ...source, name: found.name }} columns={columns ?? []} apps={apps.data ?? []} />;
}

interface CodeProps {
  source: Source;
  columns: readonly Column[];
  apps: readonly SigningApp[];
}

const NO_CREDENTIALS: Credentials = { secret: "", jweKey: "" };

function Code({ source, columns, apps }: CodeProps) {
  const [parameters] = useSearchParams();
  const queries = useQueryClient();
  const shownOnce = (chosen: SigningApp | undefined) =>
    (chosen && queries.getQueryData(shownOnceQuery(chosen.clientId).queryKey)) ?? NO_CREDENTIALS;
  const [app, setApp] = useState(() => apps.find(({ clientId }) => clientId === parameters.get("app")));
  const [credentials, setCredentials] = useState(() => shownOnce(app));
  const [operation, setOperation] = useState<Operation>("query");
  const request = requestOf(source.kind, source.name, columns, operation);
  const [edited, setEdited] = useState<string>();
  const body = edited ?? JSON.stringify(request.body, null, 2);
  const [turn, setTurn] = useState(0);
  const { ready, error } = useToken(app, credentials, turn);
  return (
    <Container size="lg" p="md" w="100%" ml={0}>
      <Text size="sm">
        <Anchor
          component={Link}
          underline="always"
          to={`/w/${source.workspace}/${source.kind}/${source.name}`}
        >
          {source.name}
        </Anchor>
      </Text>
      <Title order={1} size="h2" mb="md">
        Code for {source.name}
      </Title>
      <AppChoice
        source={source}
        app={app}
        onApp={(chosen) => {
          // the secret belongs to the app; one that is not in the list is being typed
          if (apps.length > 0) setCredentials(shownOnce(chosen));
          setApp(chosen);
        }}
        credentials={credentials}
        onCredentials={setCredentials}
      />
      {error !== undefined && (
        <Text size="sm" c="red" role="alert" mt="xs">
          {error}
        </Text>
      )}
      {ready !== undefined && (
        <Group gap="xs" mt="xs" role="status">
          <Text size="sm">
            The token in the code is valid until {new Date(ready.until).toLocaleTimeString()}
            {app?.requireJti === true && ", for one request"}.
          </Text>
          <Button size="compact-xs" variant="default" onClick={() => setTurn(turn + 1)}>
            Sign a new one
          </Button>
        </Group>
      )}
      <Divider my="md" />
      <NativeSelect
        label="Request"
        maw={400}
        data={operationsOf(source.kind).map((value) => ({
          value,
          label: `${OPERATIONS[value].label} (needs ${OPERATIONS[value].needs})`,
        }))}
        value={operation}
        onChange={(event) => {
          const { value } = event.currentTarget;
          setOperation(operationsOf(source.kind).find((each) => each === value) ?? "query");
          setEdited(undefined);
        }}
      />
      <Textarea
        label="Body"
        description="It is also the body in the code."
        mt="sm"
        autosize
        minRows={3}
        maxRows={16}
        spellCheck={false}
        styles={{ input: { fontFamily: "monospace" } }}
        value={body}
        onChange={(event) => setEdited(event.currentTarget.value)}
      />
      <CodeTabs request={request} body={body} app={app} token={ready?.token} />
      <Divider my="md" />
      {app !== undefined && canSign() ? (
        <TryIt
          key={`${app.clientId} ${operation}`}
          app={app}
          credentials={credentials}
          request={request}
          body={body}
          isReady={ready !== undefined}
          changesRows={operation !== "query"}
        />
      ) : (
        <Text size="sm">
          Choose an app and enter its secret to try the request here. All requests are in the{" "}
          <Anchor underline="always" href="../docs" target="_blank" rel="noopener">
            API docs
          </Anchor>
          .
        </Text>
      )}
    </Container>
  );
}
