import { Button, Group, Modal, ScrollArea, Stack, Table, Text } from "@mantine/core";
import type { Cell, Row } from "../../api/types";
import { CellView } from "../grid/CellView";
import type { Column } from "../grid/columns";
import type { Failure, Step } from "./steps";

interface FailuresDialogProps {
  failures: readonly Failure[];
  columns: readonly Column[];
  /** Stores the values over those of the rows that are shown, or tries steps again. */
  onStore: (steps: Step[]) => void;
  onClose: () => void;
}

const SHOWN = 50;

/** What an edit of several rows left undone: refused rows, and rows that somebody else has changed. */
export function FailuresDialog({ failures, columns, onStore, onClose }: FailuresDialogProps) {
  const overwriting = failures.slice(0, SHOWN).flatMap(overwritten);
  const repeatable = failures.flatMap((failure) =>
    "message" in failure && failure.canRepeat === true ? [failure.step] : [],
  );
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={`${count(failures.length)} not changed`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack>
        <ScrollArea.Autosize mah="60vh" viewportProps={{ tabIndex: 0 }}>
          <Stack gap="md">
            {failures.slice(0, SHOWN).map((failure, at) => (
              <OneFailure key={at} failure={failure} columns={columns} />
            ))}
          </Stack>
          {failures.length > SHOWN && (
            <Text size="sm" c="dimmed" mt="sm">
              And {count(failures.length - SHOWN)} more.
            </Text>
          )}
        </ScrollArea.Autosize>
        <Group>
          <Button data-autofocus onClick={onClose}>
            {overwriting.length > 0 ? "Keep theirs" : "Close"}
          </Button>
          {repeatable.length > 0 && (
            <Button variant="default" onClick={() => onStore(repeatable)}>
              Try again with {count(repeatable.length)}
            </Button>
          )}
          {overwriting.length > 0 && (
            <Button variant="default" onClick={() => onStore(overwriting)}>
              Store mine in {count(overwriting.length)}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}

function count(rows: number): string {
  return `${rows.toLocaleString()} ${rows === 1 ? "row" : "rows"}`;
}

/** The same change of the row as somebody else left it. */
function overwritten(failure: Failure): Step[] {
  if (!("theirs" in failure) || failure.theirs === null || failure.step.kind !== "update") return [];
  return [{ ...failure.step, row: failure.theirs }];
}

function OneFailure({ failure, columns }: { failure: Failure; columns: readonly Column[] }) {
  const { step } = failure;
  if ("message" in failure) {
    return (
      <div>
        <Text size="sm" fw={600}>
          {step.kind === "insert" ? titleOf(step.data, columns) : titleOf(step.row, columns)}
        </Text>
        <Text size="sm" c="red">
          {failure.message}
        </Text>
      </div>
    );
  }
  const { theirs } = failure;
  return (
    <div>
      <Text size="sm" fw={600}>
        {step.kind === "insert" ? "" : titleOf(theirs ?? step.row, columns)}
      </Text>
      <Text size="sm">
        {theirs === null ? "Somebody else has deleted this row." : "Somebody else has changed this row."}
        {theirs !== null && step.kind === "delete" && " It was not deleted."}
      </Text>
      {theirs !== null && step.kind === "update" && (
        <Compared theirs={theirs} mine={step.data} columns={columns} />
      )}
    </div>
  );
}

interface ComparedProps {
  theirs: Row;
  mine: Row;
  columns: readonly Column[];
}

function Compared({ theirs, mine, columns }: ComparedProps) {
  const view = (value: Cell, column: Column) => (
    <CellView value={value} column={column} writers={undefined} isWhole />
  );
  return (
    <Table withTableBorder verticalSpacing={4} layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Column</Table.Th>
          <Table.Th>Theirs</Table.Th>
          <Table.Th>Mine</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {columns
          .filter(({ name }) => Object.hasOwn(mine, name))
          .map((column) => (
            <Table.Tr key={column.name} style={{ overflowWrap: "anywhere" }}>
              <Table.Th scope="row">{column.name}</Table.Th>
              <Table.Td>{view(theirs[column.name], column)}</Table.Td>
              <Table.Td>{view(mine[column.name], column)}</Table.Td>
            </Table.Tr>
          ))}
      </Table.Tbody>
    </Table>
  );
}

/** What a reader knows a row by: its first value, or its id. */
function titleOf(row: Row, columns: readonly Column[]): string {
  const named = columns.find(({ name, type, isSystem }) => !isSystem && type === "string" && row[name]);
  if (named !== undefined) return `${named.name}: ${String(row[named.name]).slice(0, 80)}`;
  return typeof row._id === "string" ? `Row ${row._id}` : "A new row";
}
