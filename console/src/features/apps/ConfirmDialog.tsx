import { Button, Group, Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { useFocusBack } from "../../app/useFocusBack";
import { ErrorNote } from "../people/ErrorNote";

interface ConfirmDialogProps {
  title: string;
  /** What it ends. */
  children: ReactNode;
  action: string;
  error: Error | null;
  isBusy: boolean;
  onConfirm: () => void;
  onCancel: () => void;
}

/** Asks before something that cannot be undone. Cancel has the focus. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  useFocusBack();
  const { title, children, action, error, isBusy, onConfirm, onCancel } = props;
  return (
    <Modal opened onClose={onCancel} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <ErrorNote error={error} />
        {children}
        <Group>
          <Button color="red" loading={isBusy} onClick={onConfirm}>
            {action}
          </Button>
          <Button variant="default" data-autofocus onClick={onCancel}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
