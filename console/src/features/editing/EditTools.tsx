import { Button, Menu } from "@mantine/core";
import {
  IconClipboard,
  IconColumnInsertRight,
  IconCopyPlus,
  IconDots,
  IconPlus,
  IconTrash,
} from "@tabler/icons-react";
import { memo } from "react";
import { UndoButtons, type UndoButtonsProps } from "./UndoButtons";

interface EditToolsProps extends UndoButtonsProps {
  canWrite: boolean;
  canDelete: boolean;
  /** The number of selected rows; 0 if there is none. */
  rows: number;
  isFiltered: boolean;
  onAdd: () => void;
  onPaste: () => void;
  onDuplicate: () => void;
  onSetColumn: () => void;
  onDelete: () => void;
}

/** What can be done with rows, for people who may. */
export const EditTools = memo(function EditTools(props: EditToolsProps) {
  const { canWrite, canDelete, rows, undo, redo } = props;
  const selected = rows === 1 ? "row" : `${rows.toLocaleString()} rows`;
  if (!canWrite && !canDelete) return null;
  return (
    <>
      {canWrite && (
        <Button size="xs" leftSection={<IconPlus size={16} aria-hidden />} onClick={props.onAdd}>
          Add row
        </Button>
      )}
      <Menu position="bottom-start" withinPortal>
        <Menu.Target>
          <Button size="xs" variant="default" leftSection={<IconDots size={16} aria-hidden />}>
            Edit
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {canWrite && (
            <Menu.Item
              data-autofocus
              leftSection={<IconClipboard size={14} aria-hidden />}
              onClick={props.onPaste}
            >
              Paste cells…
            </Menu.Item>
          )}
          {canWrite && rows > 0 && (
            <Menu.Item leftSection={<IconCopyPlus size={14} aria-hidden />} onClick={props.onDuplicate}>
              Duplicate {selected}
            </Menu.Item>
          )}
          {canWrite && rows > 0 && (
            <Menu.Item
              leftSection={<IconColumnInsertRight size={14} aria-hidden />}
              onClick={props.onSetColumn}
            >
              Set a column in all rows{props.isFiltered ? " of the filter" : ""}…
            </Menu.Item>
          )}
          {canDelete && rows > 0 && (
            <Menu.Item
              data-autofocus={!canWrite || undefined}
              color="red"
              leftSection={<IconTrash size={14} aria-hidden />}
              onClick={props.onDelete}
            >
              Delete {selected}…
            </Menu.Item>
          )}
          {!canWrite && rows === 0 && <Menu.Label>There are no rows to delete.</Menu.Label>}
        </Menu.Dropdown>
      </Menu>
      <UndoButtons undo={undo} redo={redo} onUndo={props.onUndo} onRedo={props.onRedo} />
    </>
  );
});
