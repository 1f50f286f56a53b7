/** Columns as the grid, the filter builder and the row page need them. */
import type { ColumnType, Table, UsableTable } from "../../api/types";

export interface Column {
  name: string;
  type: ColumnType;
  isSystem: boolean;
  isRequired: boolean;
  isEncrypted: boolean;
  maxLength?: number;
  reference?: { table: string; column: string };
}

/** In the order in which records have them. */
const SYSTEM: readonly [string, ColumnType][] = [
  ["Updated_On", "date"],
  ["Created_On", "date"],
  ["Updated_By", "string"],
  ["Created_By", "string"],
  ["sys_Id", "string"],
  ["_id", "string"],
];
const SYSTEM_NAMES = new Set(SYSTEM.map(([name]) => name));

export function isWriterColumn({ name, isSystem }: Column): boolean {
  return isSystem && (name === "Updated_By" || name === "Created_By");
}

export function columnsOfTable(table: Table): Column[] {
  const own = table.schemaDef.map(({ name, type, isRequired, isEncrypted, maxLength, reference }) => ({
    name,
    type,
    isSystem: false,
    isRequired,
    isEncrypted,
    ...(type === "string" && maxLength !== "" ? { maxLength } : {}),
    ...(reference.table !== undefined && reference.column !== undefined
      ? { reference: { table: reference.table, column: reference.column } }
      : {}),
  }));
  const system = SYSTEM.map(([name, type]) => plain(name, type, true));
  return [...own, ...system];
}

export function columnsOfView(view: UsableTable): Column[] {
  return view.columns.map(({ name, type }) => plain(name, type, SYSTEM_NAMES.has(name)));
}

function plain(name: string, type: ColumnType, isSystem: boolean): Column {
  return { name, type, isSystem, isRequired: false, isEncrypted: false };
}

export function isText({ type, isEncrypted }: Column): boolean {
  return type === "string" && !isEncrypted;
}

export function isOrdered({ type, isEncrypted }: Column): boolean {
  return !isEncrypted && type !== "boolean" && type !== "json";
}

export function isComparable({ type }: Column): boolean {
  return type !== "json";
}

export function isSortable({ type, isEncrypted }: Column): boolean {
  return !isEncrypted && type !== "json";
}
