import { Button, Checkbox, Popover, Stack } from "@mantine/core";
import { IconColumns } from "@tabler/icons-react";
import type { Column } from "./columns";
import { arranged, EMPTY, type Layout, toggled } from "./layout";
import { ToolButton } from "./ToolButton";

interface ColumnsButtonProps {
  columns: readonly Column[];
  layout: Layout;
  onLayout: (layout: Layout) => void;
}

/** Shows and hides columns. */
export function ColumnsButton({ columns, layout, onLayout }: ColumnsButtonProps) {
  const hidden = new Set(layout.hidden);
  const shown = columns.length - columns.filter(({ name }) => hidden.has(name)).length;
  return (
    <Popover position="bottom-start" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <ToolButton
          icon={<IconColumns size={16} aria-hidden />}
          label="Columns"
          count={columns.length - shown}
          counted="hidden"
        />
      </Popover.Target>
      <Popover.Dropdown mah="60vh" style={{ overflowY: "auto" }}>
        <Stack gap={6}>
          {arranged(columns, layout).map(({ name }) => (
            <Checkbox
              key={name}
              size="xs"
              label={name}
              checked={!hidden.has(name)}
              disabled={!hidden.has(name) && shown === 1}
              onChange={() => onLayout(toggled(layout, "hidden", name))}
            />
          ))}
          <Button size="compact-xs" variant="light" onClick={() => onLayout(EMPTY)}>
            Reset columns
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
