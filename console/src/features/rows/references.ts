/** References of one row: what it refers to, and what refers to it, each once. */
import type { Cell, Comparison, Row, UsableTable } from "../../api/types";
import type { Column } from "../grid/columns";
import { exactText } from "../grid/cellText";
import { tableNamed } from "../tables/listed";

type Usable = ReadonlyMap<string, UsableTable>;

/** A value in another table, and the columns of the row that have it. */
export interface Target {
  table: string;
  column: string;
  value: Cell;
  names: string[];
}

/** What a row refers to, in tables that its reader can see. Columns that refer to the same value are one. */
export function targetsOf(columns: readonly Column[], row: Row, usable: Usable): Target[] {
  const targets = new Map<string, Target>();
  for (const { name, reference } of columns) {
    const value = row[name];
    if (reference === undefined || value === null || value === undefined) continue;
    const table = tableNamed(usable, reference.table);
    if (table?.rights.includes("read") !== true) continue;
    const key = JSON.stringify([table.name, reference.column, exactText(value)]);
    const known = targets.get(key);
    if (known === undefined)
      targets.set(key, { table: table.name, column: reference.column, value, names: [name] });
    else known.names.push(name);
  }
  return [...targets.values()];
}

/** A table with columns that refer to this row, and the value in each of them. */
export interface Referring {
  table: UsableTable;
  conditions: Comparison[];
}

/** What can refer to a row: each table once, also if several of its columns do. */
export function referringTables(table: string, row: Row, usable: Usable): Referring[] {
  return [...usable.values()].flatMap((other) => {
    if (other.kind !== "table" || !other.rights.includes("read")) return [];
    const conditions = other.columns.flatMap(({ name, reference }): Comparison[] => {
      if (reference?.table.toLowerCase() !== table.toLowerCase()) return [];
      const value = row[reference.column];
      return value === null || value === undefined
        ? []
        : [{ field: name, operand: "=", value } as Comparison];
    });
    return conditions.length > 0 ? [{ table: other, conditions }] : [];
  });
}

/** Rows of several answers, each once, with all names under which it was found. */
export function onlyOnce<T extends { table: string; names: string[]; row: Row }>(found: readonly T[]): T[] {
  const rows = new Map<string, T>();
  for (const each of found) {
    const key = JSON.stringify([each.table, each.row._id]);
    const known = rows.get(key);
    rows.set(key, known === undefined ? each : { ...known, names: [...known.names, ...each.names] });
  }
  return [...rows.values()];
}

const PREVIEWED = 4;

/** The first columns of a table: what a reader knows a row by. */
export function previewed(table: UsableTable | undefined) {
  return (table?.columns ?? []).filter(({ type }) => type !== "json").slice(0, PREVIEWED);
}

/** The address of the rows of a table with a value in one of the columns. */
export function filteredAddress(
  workspace: string,
  table: string,
  columns: readonly string[],
  value: unknown,
): string {
  const expressions = columns.map((field) => ({ field, operand: "=", value }));
  return addressOf(workspace, table, expressions);
}

export function addressOf(workspace: string, table: string, expressions: readonly unknown[]): string {
  const filter = JSON.stringify({ expressions, ...(expressions.length > 1 ? { operator: "or" } : {}) });
  return `/w/${workspace}/tables/${table}?filter=${encodeURIComponent(filter)}`;
}

export function rowAddress(workspace: string, table: string, row: Row): string {
  return `/w/${workspace}/tables/${table}/rows/${String(row._id)}`;
}
