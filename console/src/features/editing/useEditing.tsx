import { notifications } from "@mantine/notifications";
import { type ReactNode, useState } from "react";
import { messageOf } from "../../api/errors";
import type { Filter, Row } from "../../api/types";
import type { Column } from "../grid/columns";
import type { ActiveCell } from "../grid/parts";
import { useStable } from "../grid/useStable";
import { type CellRange, isOneCell, rangeOf, rowCount, type Selected } from "../grid/range";
import type { RowStore } from "../grid/rowStore";
import { AddRowDrawer, type Drafts } from "./AddRowDrawer";
import { CellEditor } from "./CellEditor";
import type { TablePlace } from "./changes";
import { copiedText, MAX_COPIED } from "./copy";
import { DeleteDialog } from "./DeleteDialog";
import { EditTools } from "./EditTools";
import { PasteDialog } from "./PasteDialog";
import { SetColumnDialog } from "./SetColumnDialog";
import { MAX_ROWS, ownValues, type Step } from "./steps";
import { useClipboard } from "./useClipboard";
import { useHistory } from "./useHistory";
import { useSaving } from "./useSaving";
import { countText } from "./SetColumnDialog";
import { draftOfCell } from "./values";

interface EditingProps {
  place: TablePlace;
  store: RowStore;
  /** The visible columns, in their order. */
  columns: readonly Column[];
  /** All columns of the table. */
  allColumns: readonly Column[];
  selected: Selected;
  /** The filter and the search; undefined: all rows. */
  query: Filter | undefined;
  canWrite: boolean;
  canDelete: boolean;
  /** Gives the focus back to the grid, on the next cell if there is one. */
  onDone: (next: ActiveCell | null) => void;
}

export interface Editing {
  cell: ActiveCell | null;
  edit: (cell: ActiveCell, typed?: string) => boolean;
  /** Makes the selected cells null, or asks to delete the selected rows. */
  remove: () => void;
  undo: () => void;
  redo: () => void;
  renderEditor: (row: Row, column: Column) => ReactNode;
  tools: ReactNode;
  dialogs: ReactNode;
}

/** The dialog that is open. */
type Open =
  { kind: "delete"; range: CellRange } | { kind: "paste"; text: string } | { kind: "set column" } | null;

/** Everything that changes rows in a grid: cells, ranges, whole rows, and undo. */
export function useEditing(props: EditingProps): Editing {
  const { place, store, columns, allColumns, selected, query, canWrite, canDelete, onDone } = props;
  const [edited, setEdited] = useState<{ row: number; name: string } | null>(null);
  const cell = cellOf(edited, columns);
  const [typed, setTyped] = useState<string>();
  const [open, setOpen] = useState<Open>(null);
  const [adding, setAdding] = useState<Drafts>();
  const history = useHistory(place, allColumns, store);
  const range = rangeOf(selected, store.total, columns.length);
  const saving = useSaving(place, allColumns, history, store, () => onDone(null));
  const own = allColumns.filter(({ isSystem }) => !isSystem);

  const close = () => {
    setOpen(null);
    onDone(null);
  };
  const inBackground = (work: Promise<unknown>) =>
    void work.catch((error: unknown) => notifications.show({ color: "red", message: messageOf(error) }));

  const editable = ({ row, column }: ActiveCell) => {
    const found = columns[column - 1];
    return canWrite && found !== undefined && !found.isSystem && store.row(row) !== undefined
      ? found
      : undefined;
  };

  /** The rows of a range, if they are few enough for one edit. */
  function rowsOf({ firstRow, lastRow }: CellRange): Promise<Row[]> {
    const count = lastRow - firstRow + 1;
    if (count <= MAX_ROWS) return store.read(firstRow, lastRow);
    const limit = MAX_ROWS.toLocaleString();
    return Promise.reject(
      new Error(`${countText(count)} are selected. One edit changes at most ${limit}; select fewer rows.`),
    );
  }

  async function clear(cleared: CellRange): Promise<void> {
    const names = columns
      .slice(cleared.firstColumn - 1, cleared.lastColumn)
      .filter(({ isSystem }) => !isSystem)
      .map(({ name }) => name);
    const steps = (await rowsOf(cleared)).flatMap((row): Step[] => {
      const filled = names.filter((name) => row[name] !== null);
      const data = Object.fromEntries(filled.map((name) => [name, null]));
      return filled.length > 0 ? [{ kind: "update", row, data }] : [];
    });
    const what = isOneCell(cleared) ? (names[0] ?? "") : countText(steps.length);
    await history.run(`clearing of ${what}`, steps);
  }

  async function duplicate(copied: CellRange): Promise<void> {
    const rows = await rowsOf(copied);
    const [only] = rows;
    if (rows.length === 1 && only !== undefined) {
      const drafts = own.map((column) => [column.name, draftOfCell(only[column.name], column)] as const);
      setAdding(Object.fromEntries(drafts));
      return;
    }
    const steps = rows.map((row): Step => ({ kind: "insert", data: ownValues(row, allColumns) }));
    const label = `copy of ${countText(rows.length)}`;
    if (await history.run(label, steps)) notifications.show({ message: `Added a ${label}.` });
  }

  function remove(): void {
    if (range === undefined) return;
    if (!range.isRows) {
      if (canWrite) inBackground(clear(range));
    } else if (canDelete) {
      if (rowCount(range) > MAX_ROWS) inBackground(rowsOf(range));
      else setOpen({ kind: "delete", range });
    }
  }

  useClipboard({
    copied: () => {
      if (range === undefined) return undefined;
      if (rowCount(range) > MAX_COPIED) {
        const message = `At most ${MAX_COPIED.toLocaleString()} rows can be copied at once.`;
        notifications.show({ color: "red", message });
        return undefined;
      }
      const text = copiedText(store, range, columns);
      if (text === undefined) {
        const message = "The selected rows are loaded now: copy them again.";
        inBackground(store.read(range.firstRow, range.lastRow).then(() => notifications.show({ message })));
      }
      return text;
    },
    onCut: () => {
      if (range !== undefined && canWrite) inBackground(clear(range));
    },
    onPaste: (text) => {
      if (canWrite && text !== "") setOpen({ kind: "paste", text });
    },
  });

  // what renders only if its own properties change
  const onUndo = useStable(history.undo);
  const onRedo = useStable(history.redo);
  const onAdd = useStable(() => setAdding({}));
  const onPaste = useStable(() => setOpen({ kind: "paste", text: "" }));
  const onDuplicate = useStable(() => {
    if (range !== undefined) inBackground(duplicate(range));
  });
  const onSetColumn = useStable(() => setOpen({ kind: "set column" }));
  const onDelete = useStable(() => {
    if (range !== undefined) setOpen({ kind: "delete", range });
  });
  const onAddClosed = useStable(() => setAdding(undefined));
  const onAdded = useStable((row: Row) => {
    setAdding(undefined);
    history.recordInsert(row);
  });

  const first = columns[selected.active.column - 1];
  const settable = own.find((column) => column === first) ?? own[0];
  return {
    cell,
    edit: (at, character) => {
      const found = editable(at);
      if (found === undefined) return false;
      setTyped(character);
      setEdited({ row: at.row, name: found.name });
      return true;
    },
    remove,
    undo: history.undo,
    redo: history.redo,
    renderEditor: (row, column) =>
      cell !== null && (
        <CellEditor
          key={`${cell.row}-${column.name}`}
          workspace={place.workspace}
          row={row}
          column={column}
          typed={typed}
          onSave={(value, base) => saving.save(base, column, value)}
          onClose={(next) => {
            setEdited(null);
            if (next !== "elsewhere") onDone({ row: cell.row, column: cell.column + MOVES[next] });
          }}
        />
      ),
    tools: (
      <EditTools
        canWrite={canWrite}
        canDelete={canDelete}
        rows={range === undefined ? 0 : rowCount(range)}
        isFiltered={query !== undefined}
        undo={history.next}
        redo={history.nextAgain}
        onUndo={onUndo}
        onRedo={onRedo}
        onAdd={onAdd}
        onPaste={onPaste}
        onDuplicate={onDuplicate}
        onSetColumn={onSetColumn}
        onDelete={onDelete}
      />
    ),
    dialogs: (
      <>
        <AddRowDrawer
          place={place}
          columns={allColumns}
          initial={adding}
          onClose={onAddClosed}
          onAdded={onAdded}
        />
        {open?.kind === "delete" && (
          <DeleteDialog
            range={open.range}
            onCancel={close}
            onDelete={async (onProgress) => {
              const rows = await rowsOf(open.range);
              const steps = rows.map((row): Step => ({ kind: "delete", row }));
              await history.run(`deletion of ${countText(rows.length)}`, steps, onProgress);
              close();
            }}
          />
        )}
        {open?.kind === "paste" && (
          <PasteDialog
            text={open.text}
            store={store}
            columns={columns}
            range={range}
            onClose={close}
            onApply={async (steps, onProgress) => {
              await history.run(`paste into ${countText(steps.length)}`, steps, onProgress);
              close();
            }}
          />
        )}
        {open?.kind === "set column" && settable !== undefined && (
          <SetColumnDialog
            place={place}
            columns={own}
            first={settable}
            query={query}
            onClose={close}
            onDone={(change, rows, count) => {
              const label = `change of ${Object.keys(change.data).join()} in ${countText(count)}`;
              history.recordMany(label, change.data, rows);
              notifications.show({ message: `Changed ${countText(count)}.` });
              close();
            }}
          />
        )}
        {saving.dialogs}
      </>
    ),
  };
}

/** Where the edited cell is now: the columns can change while it is edited. */
function cellOf(edited: { row: number; name: string } | null, columns: readonly Column[]): ActiveCell | null {
  const at = columns.findIndex(({ name }) => name === edited?.name);
  return edited === null || at < 0 ? null : { row: edited.row, column: at + 1 };
}

const MOVES = { stay: 0, right: 1, left: -1 };
