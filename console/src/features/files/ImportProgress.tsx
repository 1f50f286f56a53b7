import { Alert, Button, Group, Progress, Stack, Table, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";
import { ErrorNote } from "../people/ErrorNote";
import { save } from "./exports";
import {
  cancelImport,
  filesQuery,
  type Import,
  isOpen,
  readRejects,
  rejectsQuery,
  type UploadedFile,
} from "./requests";

interface ImportProgressProps {
  workspace: string;
  file: UploadedFile;
  done: Import;
  /** Shows the options again. */
  onAgain: () => void;
}

/** How far an import is, and what became of its rows. */
export function ImportProgress({ workspace, file, done, onAgain }: ImportProgressProps) {
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => cancelImport(workspace, file.id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["files", workspace] }),
  });
  const isRunning = isOpen(file);
  const share = done.total ? Math.min(100, (100 * done.done) / done.total) : 0;
  return (
    <Stack gap="sm">
      <div role="status">
        <Text fw={500}>{headline(done)}</Text>
        <Text size="sm">{countsText(done)}</Text>
      </div>
      {isRunning && (
        <>
          <Progress value={share} aria-label="Progress of the import" animated={done.status === "running"} />
          <Text size="xs" c="dimmed">
            {done.status === "queued" ? "It waits for other imports." : done.step} You can leave this page:
            the import continues.
          </Text>
          <Group>
            <Button size="xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>
              Cancel the import
            </Button>
          </Group>
        </>
      )}
      <ErrorNote error={cancel.error} />
      {done.message !== "" && (
        <Alert color={done.status === "failed" ? "red" : "yellow"} role="alert">
          {done.message}
        </Alert>
      )}
      {!isRunning && done.nRejected > 0 && (
        <Rejects workspace={workspace} file={file} count={done.nRejected} />
      )}
      {!isRunning && (
        <Group>
          {!done.dryRun && done.status === "finished" && <NextFile workspace={workspace} file={file} />}
          {!done.dryRun && (
            <Button
              component={Link}
              to={`/w/${workspace}/tables/${done.table}`}
              size="xs"
              variant={done.status === "finished" ? "light" : "filled"}
            >
              Open {done.table}
            </Button>
          )}
          {file.isStored && (
            <Button size="xs" variant={done.dryRun ? "filled" : "default"} onClick={onAgain}>
              {againLabel(done)}
            </Button>
          )}
        </Group>
      )}
    </Stack>
  );
}

/** A file whose import ended well is stored only if more of it can be imported. */
function againLabel({ dryRun, status, nRejected, nInserted }: Import): string {
  if (dryRun) return "Back to the import";
  return status === "finished" && (nRejected === 0 || nInserted > 0)
    ? "Import another sheet"
    : "Import with other options";
}

/** Leads to the next file that was uploaded and is not imported. */
function NextFile({ workspace, file }: { workspace: string; file: UploadedFile }) {
  const files = useQuery(filesQuery(workspace));
  // they were uploaded in the order in which they were dropped
  const waiting = (files.data?.files ?? []).filter(
    (each) => each.isStored && each.import === null && each.id !== file.id,
  );
  const next = waiting.at(-1);
  if (next === undefined) return null;
  return (
    <Button component={Link} to={`/w/${workspace}/import/${next.id}`} size="xs">
      Next: {next.name}
      {waiting.length > 1 && ` (${waiting.length.toLocaleString()} files wait)`}
    </Button>
  );
}

function headline({ status, table, dryRun }: Import): string {
  const what = dryRun ? "The check" : "The import";
  switch (status) {
    case "queued":
    case "running":
      return dryRun ? `Checking the rows for ${table}` : `Importing into ${table}`;
    case "finished":
      return `${what} has finished.`;
    case "cancelled":
      return `${what} was cancelled. Rows that were imported before are in ${table}.`;
    case "failed":
      return `${what} has failed.`;
  }
}

export function countsText(done: Import): string {
  const would = done.dryRun ? "would be " : "";
  const parts = [
    [done.nInserted, "imported"],
    [done.nUpdated, "updated"],
    [done.nIgnored, "ignored"],
    [done.nRejected, "rejected"],
  ] as const;
  const shown = parts.filter(([count, word]) => count > 0 || word === "imported");
  return shown
    .map(([count, word]) => `${count.toLocaleString()} ${count === 1 ? "row" : "rows"} ${would}${word}`)
    .join(", ");
}

interface RejectsProps {
  workspace: string;
  file: UploadedFile;
  count: number;
}

function Rejects({ workspace, file, count }: RejectsProps) {
  const rejects = useQuery(rejectsQuery(workspace, file.id, count));
  const download = useMutation({
    mutationFn: async () => save(await readRejects(workspace, file.id), `${file.name}.rejects.ndjson`),
  });
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text fw={500}>Rejected rows</Text>
        <Button
          size="compact-sm"
          variant="default"
          loading={download.isPending}
          onClick={() => download.mutate()}
        >
          Download all with their reasons
        </Button>
      </Group>
      <ErrorNote error={download.error ?? rejects.error} />
      {rejects.data !== undefined && (
        <Table verticalSpacing={2} fz="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Line</Table.Th>
              <Table.Th>Reason</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rejects.data.map(({ line, reasons }) => (
              <Table.Tr key={line}>
                <Table.Td>{line.toLocaleString()}</Table.Td>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{reasons}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}
