import { ActionIcon } from "@mantine/core";
import { IconArrowBackUp, IconArrowForwardUp } from "@tabler/icons-react";
import type { Edit } from "./history";

export interface UndoButtonsProps {
  undo: Edit | undefined;
  redo: Edit | undefined;
  onUndo: () => void;
  onRedo: () => void;
}

/** Take back the last edit, and do it again; each only where there is one. */
export function UndoButtons({ undo, redo, onUndo, onRedo }: UndoButtonsProps) {
  return (
    <>
      {undo !== undefined && (
        <ActionIcon
          variant="default"
          size={30}
          aria-label={`Undo: ${undo.label}`}
          title={`Undo: ${undo.label}`}
          onClick={onUndo}
        >
          <IconArrowBackUp size={16} aria-hidden />
        </ActionIcon>
      )}
      {redo !== undefined && (
        <ActionIcon
          variant="default"
          size={30}
          aria-label={`Do again: ${redo.label}`}
          title={`Do again: ${redo.label}`}
          onClick={onRedo}
        >
          <IconArrowForwardUp size={16} aria-hidden />
        </ActionIcon>
      )}
    </>
  );
}
