import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { messageOf } from "../../api/errors";

interface DeleteDialogProps {
  number: number;
  onDelete: () => Promise<void>;
  onCancel: () => void;
}

/** Asks before a row is deleted. */
export function DeleteDialog({ number, onDelete, onCancel }: DeleteDialogProps) {
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  return (
    <Modal
      opened
      onClose={onCancel}
      title={`Delete row ${number.toLocaleString()}?`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack>
        <Text size="sm">The row is removed from the table.</Text>
        {error !== undefined && (
          <Text size="sm" c="red" role="alert">
            {error}
          </Text>
        )}
        <Group>
          <Button
            color="red"
            loading={isBusy}
            onClick={() => {
              setBusy(true);
              void onDelete().catch((refused: unknown) => {
                setError(messageOf(refused));
                setBusy(false);
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
