/** Sizes of tables as texts. */
import type { TableSize } from "./queries";

/** The server counts as many rows; more are an estimate. */
const COUNTED = 10_000;
const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

export function rowsText({ rows }: Pick<TableSize, "rows">): string {
  if (rows <= COUNTED) return rows.toLocaleString();
  return `about ${Number(rows.toPrecision(2)).toLocaleString()}`;
}

export function bytesText(bytes: number): string {
  const at = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  const value = bytes / 1000 ** at;
  return new Intl.NumberFormat(undefined, {
    style: "unit",
    unit: UNITS[at] ?? "byte",
    unitDisplay: at === 0 ? "long" : "short",
    maximumFractionDigits: value < 10 && at > 0 ? 1 : 0,
  }).format(value);
}
