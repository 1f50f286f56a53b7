import { Button, Group, Text } from "@mantine/core";

/** Says who was removed from a list, and takes it back. It takes the focus, which was on what is gone. */
export function Removed({ name, onUndo }: { name: string; onUndo: () => void }) {
  return (
    <Group gap="xs" role="status">
      <Text size="sm">Removed {name}.</Text>
      <Button size="compact-xs" variant="default" autoFocus onClick={onUndo}>
        Undo
      </Button>
    </Group>
  );
}
