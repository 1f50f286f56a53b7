import { Button, Checkbox, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useFocusBack } from "../../app/useFocusBack";
import { ErrorNote } from "../people/ErrorNote";
import { nameErrorOf } from "./saved";

interface NameAndSharing {
  name: string;
  shared: boolean;
}

interface ChartDialogProps {
  title: string;
  initial: NameAndSharing;
  /** The table or view. */
  of: string;
  onSave: (chosen: NameAndSharing) => Promise<unknown>;
  onClose: () => void;
}

/** The name of a saved chart, and who sees it. */
export function ChartDialog({ title, initial, of, onSave, onClose }: ChartDialogProps) {
  useFocusBack();
  const [chosen, setChosen] = useState(initial);
  const save = useMutation({ mutationFn: () => onSave(chosen) });
  const errors = nameErrorOf(save.error);
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack>
          <ErrorNote error={errors.other} />
          <TextInput
            label="Name"
            required
            maxLength={100}
            data-autofocus
            autoComplete="off"
            value={chosen.name}
            error={errors.name}
            onFocus={(event) => event.currentTarget.select()}
            onChange={(event) => setChosen({ ...chosen, name: event.currentTarget.value })}
          />
          <Checkbox
            label={`Everybody who can read ${of} sees it`}
            description="Otherwise only you do. Sharing needs the right to edit."
            checked={chosen.shared}
            onChange={(event) => setChosen({ ...chosen, shared: event.currentTarget.checked })}
          />
          <Group>
            <Button type="submit" loading={save.isPending}>
              Save
            </Button>
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
