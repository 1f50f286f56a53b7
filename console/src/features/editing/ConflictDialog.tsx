import { Button, Group, Modal, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";
import { messageOf } from "../../api/errors";
import type { Cell, Row } from "../../api/types";
import { CellView } from "../grid/CellView";
import type { Column } from "../grid/columns";
import { localTime } from "../grid/cellText";

export interface Conflict {
  column: Column;
  mine: Cell;
  before: Row;
  /** The row as somebody else left it; null if it was deleted. */
  theirs: Row | null;
}

interface ConflictDialogProps {
  conflict: Conflict;
  onOverwrite: () => Promise<void>;
  onTake: () => void;
}

/** Somebody else has changed the row: shows both values, and asks which one to use. */
export function ConflictDialog({ conflict, onOverwrite, onTake }: ConflictDialogProps) {
  const { column, mine, before, theirs } = conflict;
  const [error, setError] = useState<string>();
  const cell = (value: Cell) => <CellView value={value} column={column} writers={undefined} isWhole />;
  return (
    <Modal
      opened
      onClose={onTake}
      title="Somebody else has changed this row"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {theirs === null ? (
        <Stack>
          <Text>The row was deleted meanwhile, so your value was not stored.</Text>
          <Group>
            <Button onClick={onTake}>Load the rows again</Button>
          </Group>
        </Stack>
      ) : (
        <Stack>
          <Text size="sm">
            Nothing was stored yet. It was changed on {localTime(String(theirs.Updated_On))}.
          </Text>
          <Table>
            <Table.Tbody>
              <Table.Tr>
                <Table.Th>{column.name} before</Table.Th>
                <Table.Td>{cell(before[column.name])}</Table.Td>
              </Table.Tr>
              <Table.Tr>
                <Table.Th>Theirs</Table.Th>
                <Table.Td>{cell(theirs[column.name])}</Table.Td>
              </Table.Tr>
              <Table.Tr>
                <Table.Th>Yours</Table.Th>
                <Table.Td>{cell(mine)}</Table.Td>
              </Table.Tr>
            </Table.Tbody>
          </Table>
          {error !== undefined && (
            <Text size="sm" c="red" role="alert">
              {error}
            </Text>
          )}
          <Group>
            <Button data-autofocus onClick={onTake}>
              Keep theirs
            </Button>
            <Button
              variant="default"
              onClick={() => void onOverwrite().catch((refused: unknown) => setError(messageOf(refused)))}
            >
              Store mine
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
