import { Button, Group } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";

interface AddButtonProps {
  label: string;
  onClick: () => void;
}

/** Adds an item to the list above it. */
export function AddButton({ label, onClick }: AddButtonProps) {
  return (
    <Group>
      <Button size="xs" variant="light" leftSection={<IconPlus size={14} aria-hidden />} onClick={onClick}>
        {label}
      </Button>
    </Group>
  );
}
