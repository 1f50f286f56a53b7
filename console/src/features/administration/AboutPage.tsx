import { Alert, Badge, Checkbox, Code, Group, List, Loader, Stack, Table, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { localTime } from "../grid/cellText";
import { ErrorNote } from "../people/ErrorNote";
import { bytesText } from "../tables/size";
import { ageText } from "./age";
import { OnlyAdministrators } from "./OnlyAdministrators";
import { type About, aboutQuery } from "./queries";
import { WorkspaceStorage } from "./WorkspaceStorage";

/** What this installation is: version, engine, health, keys, sizes and settings. */
export function AboutPage() {
  useDocumentTitle("About – Rowkeep");
  return (
    <OnlyAdministrators title="About">
      <Facts />
    </OnlyAdministrators>
  );
}

const ENGINES: Record<About["engine"]["name"], string> = { sqlite: "SQLite", postgresql: "PostgreSQL" };

function Facts() {
  const about = useQuery(aboutQuery());
  const { data } = about;
  return (
    <Stack>
      <ErrorNote error={about.error} />
      {about.isPending && <Loader aria-label="Loading" />}
      {data !== undefined && (
        <>
          <Table aria-label="Version" maw={480}>
            <Table.Tbody>
              <Line name="Rowkeep">{data.version}</Line>
              <Line name="Engine">
                {ENGINES[data.engine.name]} {data.engine.version}
              </Line>
              <Line name="Python">{data.python}</Line>
              <Line name="Size of the catalog">{bytesText(data.catalogBytes)}</Line>
            </Table.Tbody>
          </Table>
          <Health health={data.health} />
          <MasterKey master={data.masterKey} />
          <WorkspaceStorage />
          <Settings settings={data.settings} />
        </>
      )}
    </Stack>
  );
}

function Line({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th scope="row">{name}</Table.Th>
      <Table.Td>{children}</Table.Td>
    </Table.Tr>
  );
}

function Health({ health }: { health: About["health"] }) {
  const failing = Object.entries(health.tasks).filter(([, state]) => state === "failing");
  return (
    <section aria-label="Health">
      <Group gap="xs" mb="xs">
        <Title order={2} size="h4">
          Health
        </Title>
        <Badge {...(health.ready ? { variant: "default" } : { color: "red.9" })}>
          {health.ready ? "ready" : "not ready"}
        </Badge>
      </Group>
      {health.problems.length > 0 && (
        <Alert color="red" mb="xs">
          <List size="sm">
            {health.problems.map((problem) => (
              <List.Item key={problem}>{problem}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      <Text size="sm">
        {failing.length === 0
          ? "All background tasks work."
          : `Failing background tasks: ${failing.map(([name]) => name).join(", ")}. The server log has the reasons.`}
      </Text>
    </section>
  );
}

function MasterKey({ master }: { master: About["masterKey"] }) {
  const [now] = useState(Date.now);
  return (
    <section aria-label="Master key">
      <Title order={2} size="h4" mb="xs">
        Master key
      </Title>
      <Text size="sm">
        {master.source === "file" ? "It is in a key file." : "It is in the setting ROWKEEP_MASTER_KEY."}{" "}
        {master.since === null
          ? "It was replaced before the first entry of the audit log."
          : `It is in use since ${localTime(master.since)} (${ageText(master.since, now)}).`}
      </Text>
      {master.keys === 2 && (
        <Text size="sm">
          The file has two keys: it is being replaced. To finish, run <Code>rowkeep keys rotate</Code>.
        </Text>
      )}
      <Text size="sm">
        To replace it, run <Code>rowkeep keys rotate</Code> on the server.
      </Text>
    </section>
  );
}

function Settings({ settings }: { settings: About["settings"] }) {
  const [isAll, setAll] = useState(false);
  const shown = settings.filter(({ isDefault }) => isAll || !isDefault);
  return (
    <section aria-label="Settings">
      <Title order={2} size="h4" mb="xs">
        Settings
      </Title>
      <Checkbox
        mb="xs"
        label="Also those with their default value"
        checked={isAll}
        onChange={(event) => setAll(event.currentTarget.checked)}
      />
      {shown.length === 0 && <Text size="sm">All settings have their default values.</Text>}
      {shown.length > 0 && (
        <Table.ScrollContainer minWidth={300}>
          <Table aria-label="Settings">
            <Table.Tbody>
              {shown.map(({ name, value }) => (
                <Table.Tr key={name}>
                  <Table.Th scope="row" fw={400}>
                    {name}
                  </Table.Th>
                  <Table.Td style={{ overflowWrap: "anywhere" }}>
                    {value === null || value === "" ? (
                      <Text span size="sm" c="dimmed">
                        not set
                      </Text>
                    ) : (
                      String(value)
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </section>
  );
}
