/** Selected cells as a text for spreadsheets. */
import type { Cell } from "../../api/types";
import type { Column } from "../grid/columns";
import { exactText } from "../grid/cellText";
import type { CellRange } from "../grid/range";
import type { RowStore } from "../grid/rowStore";
import { type Field, toTsv } from "./tsv";

export const MAX_COPIED = 5000;

/** The text of a range; undefined if some of its rows are not in memory. */
export function copiedText(
  store: Pick<RowStore, "row">,
  range: CellRange,
  columns: readonly Column[],
): string | undefined {
  const copied = columns.slice(range.firstColumn - 1, range.lastColumn);
  const lines: Field[][] = [];
  for (let index = range.firstRow; index <= range.lastRow; index++) {
    const row = store.row(index);
    if (row === undefined) return undefined;
    lines.push(copied.map((column) => fieldOf(row[column.name], column)));
  }
  return toTsv(lines);
}

/** The exact value: a text in a JSON column has quotes, as it needs them to be pasted. */
function fieldOf(value: Cell, { type }: Column): Field {
  if (value === null || value === undefined) return null;
  return type === "json" ? JSON.stringify(value) : exactText(value);
}
