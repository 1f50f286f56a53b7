import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { useElementSize, useMergedRef } from "@mantine/hooks";
import type { Row, SortKey } from "../../api/types";
import type { Column } from "./columns";
import classes from "./Grid.module.css";
import { GridHeader } from "./GridHeader";
import { GridRow } from "./GridRow";
import { type Layout, widthOf } from "./layout";
import type { ActiveCell, FocusRequest, GridPart } from "./parts";
import { rangeOf, type Selected, selectedCell } from "./range";
import { useDragScroll } from "./useDragScroll";
import { useStable } from "./useStable";
import { ROW_HEIGHT, useVertical } from "./useVertical";
import { useWanted } from "./useWanted";

export const HEADER_HEIGHT = 37;
const NUMBER_WIDTH = 72;
/** The least share of a narrow grid that pinned columns leave to the others. */
const FREE_SHARE = 0.4;

export interface GridProps {
  label: string;
  columns: readonly Column[];
  layout: Layout;
  sort: readonly SortKey[];
  total: number;
  version: number;
  row: (index: number) => Row | undefined;
  onVisible: (first: number, last: number) => void;
  onLayout: (layout: Layout) => void;
  /** What a click makes of the sort, whichever it is by then. */
  onSort: (click: (sort: readonly SortKey[]) => SortKey[]) => void;
  /** The address of the page of a row, if rows have pages. */
  rowAddress?: (row: Row) => string;
  onOpenRow: (row: Row) => void;
  renderCell: (row: Row, column: Column) => ReactNode;
  /** Called for Enter, F2, a double click or a typed character; returns whether the cell can be edited. */
  onEdit: (cell: ActiveCell, typed?: string) => boolean;
  /** Called for Delete: makes the selected cells null, or deletes the selected rows. */
  onDelete: () => void;
  onUndo: () => void;
  onRedo: () => void;
  selected: Selected;
  onSelect: (selected: Selected) => void;
  editing: ActiveCell | null;
  /** The editor in place of the cell that is edited. */
  renderEditor: (row: Row, column: Column) => ReactNode;
  /** Gives the grid the focus, on a cell if it names one; a new object is a new request. */
  focus: FocusRequest | null;
  /** The menu of a column. */
  renderMenu: (column: Column) => ReactNode;
}

/** The grid: a window of cells, the only ones that exist, over all rows and columns.
 *
 * The grid itself has the focus; the active cell is named by aria-activedescendant. Row -1 is the header. The
 * selected cells are between the active cell and the anchor, where the selection began.
 */
export function Grid(props: GridProps) {
  const { columns, layout, total, row, selected } = props;
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const { ref: sized, width } = useElementSize<HTMLDivElement>();
  const merged = useMergedRef(scroller, sized);
  const [openMenu, setOpenMenu] = useState<string | null>(null);
  const vertical = useVertical(scroller, total, HEADER_HEIGHT);
  useWanted(props.onVisible, vertical.first, vertical.last, total);

  const pinned = pinnedColumns(columns, layout, width);
  const pinnedWidth = pinned.reduce((sum, column) => sum + widthOf(layout, column), NUMBER_WIDTH);
  const widths = columns.slice(pinned.length).map((column) => widthOf(layout, column));
  // the cell that is edited is there also while it is scrolled away
  const kept = (props.editing?.column ?? 0) - 1 - pinned.length;
  const horizontal = useVirtualizer({
    horizontal: true,
    count: widths.length,
    getScrollElement: () => scroller.current,
    estimateSize: (at) => widths[at] ?? 0,
    getItemKey: (at) => `${at}:${widths[at] ?? 0}`,
    paddingStart: pinnedWidth,
    scrollPaddingStart: pinnedWidth,
    overscan: 2,
    rangeExtractor: (range) => withKept(defaultRangeExtractor(range), kept),
  });
  // each render has its own list of the same columns, and the rows need the same one
  const drawn = horizontal.getVirtualItems().map(({ index, start }): [number, number] => [index, start]);
  const drawnKey = JSON.stringify(drawn);
  const parts: GridPart[] = useMemo(
    () => partsOf(columns, layout, pinned.length, JSON.parse(drawnKey) as typeof drawn),
    [columns, layout, pinned.length, drawnKey],
  );
  const totalWidth = horizontal.getTotalSize();
  const at = {
    row: Math.min(selected.active.row, total - 1),
    column: Math.min(Math.max(selected.active.column, 0), columns.length),
  };
  const range = rangeOf(selected, total, columns.length);

  function activate(cell: ActiveCell, isExtended = false) {
    const next = {
      row: Math.min(Math.max(cell.row, -1), total - 1),
      column: Math.min(Math.max(cell.column, 0), columns.length),
    };
    props.onSelect(isExtended ? { active: next, anchor: selected.anchor } : selectedCell(next));
    if (next.row >= 0) vertical.show(next.row);
    const scrolled = next.column - 1 - pinned.length;
    if (scrolled >= 0) horizontal.scrollToIndex(scrolled, { align: "auto" });
  }

  function onKeyDown(event: KeyboardEvent<HTMLDivElement>) {
    if (event.target !== event.currentTarget || event.altKey) return;
    const moved = move(event, at, vertical.page, total, columns.length);
    if (moved !== undefined) {
      event.preventDefault();
      activate(moved, event.shiftKey);
      return;
    }
    if (selects(event) || changesHistory(event)) {
      event.preventDefault();
      return;
    }
    const column = columns[at.column - 1];
    if (at.row < 0) {
      if ((event.key === "Enter" || event.key === " ") && column !== undefined) {
        event.preventDefault();
        // the menu is there at once, and would close by a key that is not for it
        event.stopPropagation();
        setOpenMenu(column.name);
      }
      return;
    }
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      props.onDelete();
      return;
    }
    const found = row(at.row);
    if (found === undefined) return;
    if (event.key === "Enter" && (column === undefined || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      props.onOpenRow(found);
    } else if (column !== undefined && !event.ctrlKey && !event.metaKey) {
      if (event.key === "Enter" || event.key === "F2" || event.key.length === 1) {
        if (props.onEdit(at, event.key.length === 1 ? event.key : undefined)) event.preventDefault();
      }
    }
  }

  /** Ctrl+A selects all, Shift+Space the rows, Ctrl+Space the columns. */
  function selects(event: KeyboardEvent): boolean {
    const isControl = event.ctrlKey || event.metaKey;
    const last = total - 1;
    if (isControl && event.key.toLowerCase() === "a") {
      props.onSelect({ anchor: { row: 0, column: 0 }, active: { row: last, column: columns.length } });
    } else if (event.key === " " && event.shiftKey && range !== undefined) {
      props.onSelect({ ...selected, anchor: { row: selected.anchor.row, column: 0 } });
    } else if (event.key === " " && isControl && range !== undefined && !range.isRows) {
      props.onSelect({
        anchor: { row: 0, column: range.firstColumn },
        active: { row: last, column: range.lastColumn },
      });
    } else return false;
    return true;
  }

  function changesHistory(event: KeyboardEvent): boolean {
    if (!event.ctrlKey && !event.metaKey) return false;
    const key = event.key.toLowerCase();
    if (key === "y" || (key === "z" && event.shiftKey)) props.onRedo();
    else if (key === "z") props.onUndo();
    else return false;
    return true;
  }

  useDragScroll(scroller, { top: HEADER_HEIGHT, left: pinnedWidth }, at, (cell) => activate(cell, true));
  const onActivate = useStable(activate);
  const onEdit = useStable(props.onEdit);
  const onSort = useStable(props.onSort);
  const onOpenMenu = useStable((name: string | null) => {
    setOpenMenu(name);
    if (name === null) scroller.current?.focus({ preventScroll: true });
  });
  const { focus } = props;
  useEffect(() => {
    if (focus === null) return;
    if (focus.cell !== null) onActivate(focus.cell);
    scroller.current?.focus({ preventScroll: true });
  }, [focus, onActivate]);

  const rows: number[] = [];
  for (let index = vertical.first; index <= vertical.last; index++) rows.push(index);
  const drawnRows = withKept(rows, Math.min(props.editing?.row ?? -1, total - 1));
  const menuOf = columns.find(({ name }) => name === openMenu);
  const isActiveThere = at.row === -1 || (vertical.first <= at.row && at.row <= vertical.last);
  return (
    <div
      ref={merged}
      id={id}
      className={classes.grid}
      role="grid"
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={total + 1}
      aria-colcount={columns.length + 1}
      aria-multiselectable
      aria-activedescendant={isActiveThere ? cellId(id, at) : undefined}
      onKeyDown={onKeyDown}
    >
      <GridHeader
        gridId={id}
        columns={columns}
        layout={layout}
        sort={props.sort}
        parts={parts}
        width={totalWidth}
        height={HEADER_HEIGHT}
        numberWidth={NUMBER_WIDTH}
        active={at.row === -1 ? at.column : null}
        menuOf={menuOf?.name}
        menu={menuOf === undefined ? null : props.renderMenu(menuOf)}
        onOpenMenu={onOpenMenu}
        onActivate={onActivate}
        onLayout={props.onLayout}
        onSort={onSort}
      />
      <div role="rowgroup" className={classes.body} style={{ height: vertical.height, width: totalWidth }}>
        {drawnRows.map((index) => {
          const isSelected = range !== undefined && range.firstRow <= index && index <= range.lastRow;
          const edited = props.editing?.row === index ? props.editing.column : null;
          return (
            <GridRow
              key={index}
              gridId={id}
              index={index}
              row={row(index)}
              parts={parts}
              y={vertical.y(index)}
              width={totalWidth}
              height={ROW_HEIGHT}
              numberWidth={NUMBER_WIDTH}
              active={at.row === index ? at.column : null}
              isSelected={isSelected}
              firstSelected={isSelected ? range.firstColumn : 0}
              lastSelected={isSelected ? range.lastColumn : 0}
              editing={edited}
              onActivate={onActivate}
              onEdit={onEdit}
              renderCell={props.renderCell}
              {...(edited !== null ? { renderEditor: props.renderEditor } : {})}
              {...(props.rowAddress ? { rowAddress: props.rowAddress } : {})}
            />
          );
        })}
      </div>
    </div>
  );
}

/** What is drawn, with one more in its order. */
function withKept(drawn: number[], kept: number): number[] {
  return kept < 0 || drawn.includes(kept) ? drawn : [...drawn, kept].sort((a, b) => a - b);
}

export function cellId(gridId: string, { row, column }: ActiveCell): string {
  return `${gridId}-${row}-${column}`;
}

/** Pinned columns come first in `columns`. On a narrow screen only those that leave room are pinned. */
function pinnedColumns(columns: readonly Column[], layout: Layout, width: number): readonly Column[] {
  const names = new Set(layout.pinned);
  let used = NUMBER_WIDTH;
  let count = 0;
  for (const column of columns) {
    used += widthOf(layout, column);
    if (!names.has(column.name) || used > width * (1 - FREE_SHARE)) break;
    count += 1;
  }
  return columns.slice(0, count);
}

function partsOf(
  columns: readonly Column[],
  layout: Layout,
  pinned: number,
  items: readonly (readonly [index: number, start: number])[],
): GridPart[] {
  let left = NUMBER_WIDTH;
  const parts: GridPart[] = columns.slice(0, pinned).map((column, at) => {
    const width = widthOf(layout, column);
    const part = { column, at: at + 1, left, width, isPinned: true };
    left += width;
    return part;
  });
  for (const [index, start] of items) {
    const column = columns[index + pinned];
    if (column === undefined) continue;
    parts.push({
      column,
      at: index + pinned + 1,
      left: start,
      width: widthOf(layout, column),
      isPinned: false,
    });
  }
  return parts;
}

/** The cell that a key moves to. */
function move(
  event: KeyboardEvent,
  { row, column }: ActiveCell,
  page: number,
  total: number,
  columns: number,
): ActiveCell | undefined {
  const isFar = event.ctrlKey || event.metaKey;
  switch (event.key) {
    case "ArrowUp":
      return { row: isFar ? Math.min(row, 0) : row - 1, column };
    case "ArrowDown":
      return { row: isFar ? total - 1 : row + 1, column };
    case "ArrowLeft":
      return { row, column: isFar ? 0 : column - 1 };
    case "ArrowRight":
      return { row, column: isFar ? columns : column + 1 };
    case "Home":
      return { row: isFar ? 0 : row, column: 0 };
    case "End":
      return { row: isFar ? total - 1 : row, column: columns };
    case "PageUp":
      return { row: Math.max(row - page, 0), column };
    case "PageDown":
      return { row: row + page, column };
    default:
      return undefined;
  }
}
