import { Button, Group, List, Modal, Stack, Text } from "@mantine/core";
import type { Rival } from "./rival";

interface ChangedDialogProps {
  name: string;
  rival: Pick<Rival<object>, "differences" | "conflicts">;
  onBoth: () => void;
  onDiscard: () => void;
  onClose: () => void;
}

/** Shows what somebody else has changed in a definition meanwhile. Nothing of it is overwritten unseen. */
export function ChangedDialog({ name, rival, onBoth, onDiscard, onClose }: ChangedDialogProps) {
  const { differences, conflicts } = rival;
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
          {differences.map((each) => (
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
