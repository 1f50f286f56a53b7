import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { messageOf } from "../../api/errors";
import { type CellRange, rowCount } from "../grid/range";

interface DeleteDialogProps {
  range: CellRange;
  onDelete: (onProgress: (done: number) => void) => Promise<void>;
  onCancel: () => void;
}

/** Asks before rows are deleted. */
export function DeleteDialog({ range, onDelete, onCancel }: DeleteDialogProps) {
  const [error, setError] = useState<string>();
  const [done, setDone] = useState<number>();
  const count = rowCount(range);
  const what =
    count === 1 ? `row ${(range.firstRow + 1).toLocaleString()}` : `${count.toLocaleString()} rows`;
  return (
    <Modal opened onClose={onCancel} title={`Delete ${what}?`} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <Text size="sm">
          {count === 1 ? "It is removed" : "They are removed"} from the table. Undo adds{" "}
          {count === 1 ? "it" : "them"} again, with a new _id.
        </Text>
        {error !== undefined && (
          <Text size="sm" c="red" role="alert">
            {error}
          </Text>
        )}
        {done !== undefined && count > 1 && (
          <Text size="sm" role="status">
            {done.toLocaleString()} of {count.toLocaleString()}
          </Text>
        )}
        <Group>
          <Button
            color="red"
            loading={done !== undefined}
            onClick={() => {
              setDone(0);
              onDelete(setDone).catch((refused: unknown) => {
                setError(messageOf(refused));
                setDone(undefined);
              });
            }}
          >
            Delete
          </Button>
          <Button variant="default" data-autofocus onClick={onCancel}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
