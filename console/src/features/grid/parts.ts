import type { Column } from "./columns";

/** A cell by its row and column; column 0 is the number of the row, row -1 the header. */
export interface ActiveCell {
  row: number;
  column: number;
}

export interface FocusRequest {
  cell: ActiveCell | null;
}

/** A visible column and its place. */
export interface GridPart {
  column: Column;
  /** The number of the column, from 1. */
  at: number;
  left: number;
  width: number;
  isPinned: boolean;
}
