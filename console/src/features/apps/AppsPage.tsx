import { Badge, Button, Container, Group, Loader, Table, Text, TextInput, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconPlus, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { ErrorNote } from "../people/ErrorNote";
import { NewAppDialog } from "./NewAppDialog";
import { OnlyManagers } from "./OnlyManagers";
import { type App, appsQuery } from "./queries";

/** The apps of a workspace, for its managers. */
export function AppsPage() {
  const { workspace = "main" } = useParams();
  return (
    <OnlyManagers title="Apps" workspace={workspace}>
      <Apps workspace={workspace} />
    </OnlyManagers>
  );
}

function Apps({ workspace }: { workspace: string }) {
  useDocumentTitle("Apps – Rowkeep");
  const apps = useQuery(appsQuery(workspace));
  const [search, setSearch] = useState("");
  const [isAdding, setAdding] = useState(false);
  const wanted = search.trim().toLowerCase();
  const shown = apps.data?.filter(({ name, clientId }) =>
    `${name} ${clientId}`.toLowerCase().includes(wanted),
  );
  return (
    <Container size="lg" p="md" w="100%" ml={0}>
      <Title order={1} size="h2" mb="xs">
        Apps
      </Title>
      <Text size="sm" mb="md">
        Programs that read and write rows, each with its own credentials.
      </Text>
      <ErrorNote error={apps.error} />
      <Group mb="md">
        <Button size="xs" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
          New app
        </Button>
        <Button size="xs" variant="default" component={Link} to={`/w/${workspace}/grants`}>
          Grants of all apps
        </Button>
        <TextInput
          size="xs"
          aria-label="Search apps"
          placeholder="Search"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      </Group>
      {isAdding && <NewAppDialog workspace={workspace} onClose={() => setAdding(false)} />}
      {apps.isPending && <Loader aria-label="Loading apps" />}
      {apps.data?.length === 0 && <Text>There is no app yet. Create one to use the Data API.</Text>}
      {shown?.length === 0 && apps.data?.length !== 0 && <Text>No app matches the search.</Text>}
      {shown !== undefined && shown.length > 0 && <AppList workspace={workspace} apps={shown} />}
    </Container>
  );
}

function AppList({ workspace, apps }: { workspace: string; apps: readonly App[] }) {
  return (
    <Table.ScrollContainer minWidth={300}>
      <Table verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th visibleFrom="sm">Client id</Table.Th>
            <Table.Th>Algorithm</Table.Th>
            <Table.Th>State and limits</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {apps.map((app) => (
            <Table.Tr key={app.clientId}>
              <Table.Td className="long-name">
                <Text component={Link} to={`/w/${workspace}/apps/${app.clientId}`} c="blue" fw={500}>
                  {app.name}
                </Text>
              </Table.Td>
              <Table.Td visibleFrom="sm">{app.clientId}</Table.Td>
              <Table.Td>{app.algorithm}</Table.Td>
              <Table.Td>
                <Group gap={4}>
                  {marksOf(app).map((mark) => (
                    <Badge key={mark} size="xs" variant="default" miw="max-content">
                      {mark}
                    </Badge>
                  ))}
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

/** What is not as in a new app. */
function marksOf(app: App): string[] {
  return [
    app.enabled ? "" : "disabled",
    app.rateLimit ?? "",
    app.maxAffected === null ? "" : `at most ${app.maxAffected.toLocaleString()} rows`,
    app.allowAll ? "" : "not all rows",
    app.requireJti ? "one request" : "",
    app.audience === null ? "" : "audience",
    app.requireJwe ? "encrypted" : "",
  ].filter(Boolean);
}
