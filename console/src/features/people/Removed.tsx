import { Button, Group, Text } from "@mantine/core";

/** Says who was removed from a list, and takes it back. */
export function Removed({ name, onUndo }: { name: string; onUndo: () => void }) {
  return (
    <Group gap="xs" role="status">
      <Text size="sm">Removed {name}.</Text>
      <Button size="compact-xs" variant="default" onClick={onUndo}>
        Undo
      </Button>
    </Group>
  );
}
