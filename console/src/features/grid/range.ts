/** Selections of cells: a rectangle between the active cell and the one where the selection began. */
import type { ActiveCell } from "./parts";

export interface Selected {
  active: ActiveCell;
  anchor: ActiveCell;
}

/** Rows from 0, columns from 1; both ends are included. */
export interface CellRange {
  firstRow: number;
  lastRow: number;
  firstColumn: number;
  lastColumn: number;
  /** Whole rows: the selection includes their numbers. */
  isRows: boolean;
}

export function selectedCell(cell: ActiveCell): Selected {
  return { active: cell, anchor: cell };
}

/** The selected cells; undefined if the header is active, or if there is no cell. */
export function rangeOf({ active, anchor }: Selected, total: number, columns: number): CellRange | undefined {
  if (active.row < 0 || total === 0 || columns === 0) return undefined;
  const rows = [active.row, Math.max(anchor.row, 0)].map((row) => Math.min(row, total - 1));
  const isRows = active.column === 0 || anchor.column === 0;
  const ends = isRows ? [1, columns] : [active.column, anchor.column].map((at) => Math.min(at, columns));
  return {
    firstRow: Math.min(...rows),
    lastRow: Math.max(...rows),
    firstColumn: Math.min(...ends),
    lastColumn: Math.max(...ends),
    isRows,
  };
}

export function rowCount({ firstRow, lastRow }: CellRange): number {
  return lastRow - firstRow + 1;
}

export function isOneCell(range: CellRange): boolean {
  return !range.isRows && rowCount(range) === 1 && range.firstColumn === range.lastColumn;
}
