import { Badge, Button, Code, Loader, Table, Text, Title } from "@mantine/core";
import { useInViewport } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { localTime } from "../grid/cellText";
import { workspacesQuery } from "../tables/queries";
import { bytesText } from "../tables/size";
import { ageText } from "./age";
import { storageQuery } from "./queries";

/** How many workspaces are listed at first. */
const LISTED = 50;

/** The size of each workspace, and the age of its data key. */
export function WorkspaceStorage() {
  const workspaces = useQuery(workspacesQuery());
  const [most, setMost] = useState(LISTED);
  const all = workspaces.data ?? [];
  return (
    <section aria-label="Workspaces">
      <Title order={2} size="h4" mb="xs">
        Workspaces and their data keys
      </Title>
      <Text size="sm">
        A data key encrypts the secrets of apps and the encrypted columns. To replace it, run{" "}
        <Code>rowkeep keys rotate --data --workspace NAME</Code> on the server; it can be interrupted and run
        again.
      </Text>
      <Table.ScrollContainer minWidth={300}>
        <Table aria-label="Workspaces">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Workspace</Table.Th>
              <Table.Th ta="right">Size</Table.Th>
              <Table.Th>Data key in use since</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {all.slice(0, most).map(({ name }) => (
              <StorageRow key={name} workspace={name} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {all.length > most && (
        <Button size="compact-xs" variant="default" onClick={() => setMost(most + LISTED)}>
          Show more of {all.length.toLocaleString()}
        </Button>
      )}
    </section>
  );
}

/** It is measured only when it is visible. */
function StorageRow({ workspace }: { workspace: string }) {
  const { ref, inViewport } = useInViewport<HTMLTableRowElement>();
  const storage = useQuery({ ...storageQuery(workspace), enabled: inViewport });
  const [now] = useState(Date.now);
  const key = storage.data?.dataKey;
  const unknown = storage.isError ? (
    <Text span size="sm" c="dimmed" title={storage.error.message}>
      not known
    </Text>
  ) : (
    <Loader size={12} aria-label="Measuring" />
  );
  return (
    <Table.Tr ref={ref}>
      <Table.Td>{workspace}</Table.Td>
      <Table.Td ta="right">{storage.data === undefined ? unknown : bytesText(storage.data.bytes)}</Table.Td>
      <Table.Td>
        {key === undefined
          ? unknown
          : key.since === null
            ? "before the first entry of the audit log"
            : `${localTime(key.since)} (${ageText(key.since, now)})`}{" "}
        {key?.rotating === true && (
          <Badge size="xs" variant="default" miw="max-content">
            being replaced
          </Badge>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
