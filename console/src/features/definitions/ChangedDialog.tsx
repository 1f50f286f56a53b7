import { Button, Group, List, Modal, Stack, Text } from "@mantine/core";

interface ChangedDialogProps {
  name: string;
  /** What somebody else changed, one line each. */
  theirs: readonly string[];
  /** What both changed in a different way. */
  conflicts: readonly string[];
  onBoth: () => void;
  onDiscard: () => void;
  onClose: () => void;
}

/** Shows what somebody else has changed in a definition meanwhile. Nothing of it is overwritten unseen. */
export function ChangedDialog({ name, theirs, conflicts, onBoth, onDiscard, onClose }: ChangedDialogProps) {
  return (
    <Modal
      opened
      onClose={onClose}
      title={`Somebody else has changed ${name}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack>
        <Text size="sm">Nothing of your change is stored yet. Meanwhile, this was changed:</Text>
        <List size="sm" aria-label="Changed by somebody else">
          {theirs.map((each) => (
            <List.Item key={each} style={{ overflowWrap: "anywhere" }}>
              {each}
            </List.Item>
          ))}
        </List>
        {conflicts.length > 0 && (
          <>
            <Text size="sm">Both of you changed these. Your values would replace theirs:</Text>
            <List size="sm" aria-label="Changed by both">
              {conflicts.map((each) => (
                <List.Item key={each} style={{ overflowWrap: "anywhere" }}>
                  {each}
                </List.Item>
              ))}
            </List>
          </>
        )}
        <Group>
          <Button data-autofocus onClick={onBoth}>
            Continue with both changes
          </Button>
          <Button variant="default" onClick={onDiscard}>
            Discard my change
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
