import { notifications } from "@mantine/notifications";
import { type ReactNode, useState } from "react";
import { messageOf } from "../../api/errors";
import type { Cell, Row } from "../../api/types";
import type { Column } from "../grid/columns";
import type { ActiveCell } from "../grid/parts";
import type { RowStore } from "../grid/rowStore";
import { CellEditor } from "./CellEditor";
import { deleteRow, type TablePlace, updateRow } from "./changes";
import { type Conflict, ConflictDialog } from "./ConflictDialog";
import { DeleteDialog } from "./DeleteDialog";

interface EditingProps {
  place: TablePlace;
  store: RowStore;
  /** The visible columns, in their order. */
  columns: readonly Column[];
  canWrite: boolean;
  canDelete: boolean;
  /** Gives the focus back to the grid, on the next cell if there is one. */
  onDone: (next: ActiveCell | null) => void;
}

export interface Editing {
  cell: ActiveCell | null;
  edit: (cell: ActiveCell, typed?: string) => boolean;
  clear: (cell: ActiveCell) => void;
  renderEditor: (row: Row, column: Column) => ReactNode;
  askToDelete: (index: number) => void;
  dialogs: ReactNode;
}

interface Deletion {
  index: number;
  row: Row;
}

/** Editing of cells and deleting of rows in a grid. */
export function useEditing({ place, store, columns, canWrite, canDelete, onDone }: EditingProps): Editing {
  const [cell, setCell] = useState<ActiveCell | null>(null);
  const [typed, setTyped] = useState<string>();
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const [deletion, setDeletion] = useState<Deletion | null>(null);

  const editable = ({ row, column }: ActiveCell) => {
    const found = columns[column - 1];
    return canWrite && found !== undefined && !found.isSystem && store.row(row) !== undefined
      ? found
      : undefined;
  };

  async function save(index: number, row: Row, column: Column, mine: Cell): Promise<void> {
    const outcome = await updateRow(place, row, { [column.name]: mine });
    if ("saved" in outcome) store.replace(index, outcome.saved);
    else setConflict({ index, column, mine, before: row, theirs: outcome.conflict });
  }

  return {
    cell,
    edit: (at, character) => {
      if (editable(at) === undefined) return false;
      setTyped(character);
      setCell(at);
      return true;
    },
    clear: (at) => {
      const column = editable(at);
      const row = store.row(at.row);
      if (column === undefined || row === undefined || row[column.name] === null) return;
      save(at.row, row, column, null).catch((error: unknown) =>
        notifications.show({ color: "red", title: column.name, message: messageOf(error) }),
      );
    },
    renderEditor: (row, column) =>
      cell !== null && (
        <CellEditor
          key={`${cell.row}-${cell.column}`}
          workspace={place.workspace}
          row={row}
          column={column}
          typed={typed}
          onSave={(value) => save(cell.row, row, column, value)}
          onClose={(next) => {
            setCell(null);
            if (next === "right") onDone({ row: cell.row, column: cell.column + 1 });
            else if (next === "stay") onDone(cell);
          }}
        />
      ),
    askToDelete: (index) => {
      const row = store.row(index);
      if (canDelete && row !== undefined) setDeletion({ index, row });
    },
    dialogs: (
      <>
        {conflict !== null && (
          <ConflictDialog
            conflict={conflict}
            onTake={() => {
              if (conflict.theirs === null) store.refresh();
              else store.replace(conflict.index, conflict.theirs);
              setConflict(null);
              onDone(null);
            }}
            onOverwrite={async () => {
              if (conflict.theirs === null) return;
              setConflict(null);
              await save(conflict.index, conflict.theirs, conflict.column, conflict.mine);
              onDone(null);
            }}
          />
        )}
        {deletion !== null && (
          <DeleteDialog
            number={deletion.index + 1}
            onCancel={() => {
              setDeletion(null);
              onDone(null);
            }}
            onDelete={async () => {
              const other = await deleteRow(place, deletion.row);
              if (other !== undefined && other !== null) {
                store.replace(deletion.index, other);
                setDeletion({ ...deletion, row: other });
                throw new Error(
                  "Somebody else has changed this row meanwhile. Look at it before you delete it.",
                );
              }
              setDeletion(null);
              store.refresh();
              onDone(null);
            }}
          />
        )}
      </>
    ),
  };
}
