import { Anchor, Button, Card, Group, Loader, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { localTime } from "../grid/cellText";
import { ErrorNote } from "../people/ErrorNote";
import { ChangeView, kindText } from "./ChangeView";
import { CHANGES, changesQuery, type Operation, type OperationTable } from "./queries";

interface OperationItemProps {
  workspace: string;
  operation: Operation;
  writer: string;
  onUndo: (() => void) | undefined;
}

/** One operation, which opens to show its changes. */
export function OperationItem({ workspace, operation, writer, onUndo }: OperationItemProps) {
  const [isOpen, setOpen] = useState(false);
  const time = localTime(operation.on);
  return (
    <Card withBorder padding="xs" mb="xs" role="group" aria-label={`${writer}, ${time}`}>
      <Group gap="xs" justify="space-between">
        <div style={{ minWidth: 0 }}>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            <b>{writer}</b>, <time dateTime={operation.on}>{time}</time>
          </Text>
          {operation.tables.map((each) => (
            <Text size="sm" key={each.table} style={{ overflowWrap: "anywhere" }}>
              {each.table}: {countsOf(each)}
            </Text>
          ))}
        </div>
        <Group gap={4}>
          <Button size="compact-xs" variant="default" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            Changes
          </Button>
          {onUndo !== undefined && (
            <Button size="compact-xs" variant="default" onClick={onUndo}>
              Undo this
            </Button>
          )}
        </Group>
      </Group>
      {isOpen &&
        operation.tables.map((each) => (
          <TableChanges key={each.table} workspace={workspace} operation={operation.id} counts={each} />
        ))}
    </Card>
  );
}

function countsOf({ nInserted, nChanged, nDeleted, atLeast }: OperationTable): string {
  const parts = [
    [nInserted, "added"],
    [nChanged, "changed"],
    [nDeleted, "deleted"],
  ] as const;
  const texts = parts.filter(([count]) => count > 0).map(([count, done]) => `${count} ${done}`);
  return `${atLeast === true ? "at least " : ""}${texts.join(", ")}`;
}

interface TableChangesProps {
  workspace: string;
  operation: string;
  counts: OperationTable;
}

function TableChanges({ workspace, operation, counts }: TableChangesProps) {
  const { data, error, isPending } = useQuery(changesQuery(workspace, operation, counts));
  const { table, nInserted, nChanged, nDeleted } = counts;
  return (
    <>
      <ErrorNote error={error} />
      {isPending && <Loader size="sm" aria-label={`Loading the changes of ${table}`} />}
      {data?.map((change) => (
        <div key={change.id}>
          <Text size="sm" mt="sm" style={{ overflowWrap: "anywhere" }}>
            {table}:{" "}
            <Anchor
              size="sm"
              component={Link}
              underline="always"
              to={`/w/${workspace}/tables/${table}/rows/${change._id}`}
            >
              row {change._id}
            </Anchor>{" "}
            {kindText(change)}
          </Text>
          <ChangeView change={change} label={`Row ${change._id} of ${table}`} />
        </div>
      ))}
      {data !== undefined && nInserted + nChanged + nDeleted > data.length && (
        <Text size="sm" mt="xs">
          {data.length === CHANGES
            ? `The first ${CHANGES} changes of ${table} are shown.`
            : `${data.length} changes of ${table} can be shown.`}
        </Text>
      )}
    </>
  );
}
