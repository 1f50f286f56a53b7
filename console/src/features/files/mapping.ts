/** Mappings: where the columns of a file go, and the definition of a new table for them. */
import type { ColumnType } from "../../api/types";
import type { ImportBody, Inspected } from "./requests";

/** What the page has of a column of the file. An empty name leaves it out. */
export interface Mapped {
  label: string;
  /** The name in the file. */
  source: string;
  /** The name of the column in the table. */
  name: string;
  isTaken: boolean;
  type: ColumnType;
}

/** Changes the mapping of the column with this label. */
export type OnMapped = (label: string, changed: Partial<Mapped>) => void;

export const TYPES: readonly ColumnType[] = [
  "string",
  "integer",
  "number",
  "decimal",
  "boolean",
  "date",
  "json",
];

interface ProposedColumn {
  name: string;
  type: ColumnType;
}

interface Proposed {
  name: string;
  schemaDef: ProposedColumn[];
  indexes?: { name: string; columns: { name: string }[] }[];
}

export function proposedOf(inspected: Inspected): Proposed {
  return inspected.definition as unknown as Proposed;
}

/** Names are the same without regard to case, and to what is not a letter or digit. */
export function simplified(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/** The columns of a file for a new table, as the server proposes them. */
export function forNewTable(inspected: Inspected): Mapped[] {
  const { schemaDef } = proposedOf(inspected);
  return inspected.columns.map((column, at) => ({
    label: column.label,
    source: column.name,
    name: column.proposed,
    isTaken: true,
    type: schemaDef[at]?.type ?? "string",
  }));
}

const SYSTEM = new Set(["_id", "sys_id", "created_on", "updated_on", "created_by", "updated_by"]);

/** When two names are the same; those that are equal are found first. */
const SAME: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toLowerCase(),
  simplified,
];

/** The columns of a file for a table with these columns: those with the same name go there, each once. */
export function forTable(inspected: Inspected, names: readonly string[]): Mapped[] {
  const columns = forNewTable(inspected);
  const writable = columns.filter(({ source }) => !SYSTEM.has(source.toLowerCase()));
  const found = new Map<string, string>();
  let left = [...names];
  for (const same of SAME) {
    for (const key of ["source", "name"] as const) {
      const byName = new Map(left.toReversed().map((name) => [same(name), name]));
      for (const column of writable) {
        const name = byName.get(same(column[key]));
        if (name === undefined || found.has(column.label)) continue;
        found.set(column.label, name);
        byName.delete(same(name));
      }
      const taken = new Set(found.values());
      left = left.filter((name) => !taken.has(name));
    }
  }
  return columns.map((column) => {
    const name = found.get(column.label) ?? "";
    return { ...column, name, isTaken: name !== "" };
  });
}

/** The mapping as a request has it. */
export function columnsOf(mapped: readonly Mapped[]): NonNullable<ImportBody["columns"]> {
  return mapped.map(({ label, name, isTaken }) => ({ label, column: isTaken && name !== "" ? name : null }));
}

/** What is wrong with a mapping, or nothing. */
export function problemOf(mapped: readonly Mapped[], targets?: readonly string[]): string | undefined {
  const taken = mapped.filter(({ isTaken }) => isTaken);
  if (taken.length === 0) return "No column is imported. Choose at least one.";
  const seen = new Map<string, string>();
  for (const { name, source } of taken) {
    if (name.trim() === "") return `The column ${JSON.stringify(source)} needs a name.`;
    if (targets !== undefined && !targets.includes(name))
      return `The table has no column ${JSON.stringify(name)}.`;
    const key = targets === undefined ? simplified(name) : name;
    const other = seen.get(key);
    if (other !== undefined)
      return `${JSON.stringify(other)} and ${JSON.stringify(source)} go to the same column ${name}.`;
    seen.set(key, source);
  }
  return undefined;
}

/** The definition of the new table: what the server proposes, with what was changed on the page. */
export function definitionOf(name: string, inspected: Inspected, mapped: readonly Mapped[]) {
  const { schemaDef, indexes = [] } = proposedOf(inspected);
  const names = new Map<string, string>();
  const columns = mapped.flatMap((column, at) => {
    const proposed = schemaDef[at];
    if (!column.isTaken || proposed === undefined) return [];
    names.set(proposed.name, column.name);
    // lengths and required columns were found for the proposed type
    return [column.type === proposed.type ? { ...proposed, name: column.name } : typed(column)];
  });
  const isUnchanged = (old: string) =>
    names.has(old) && columns.find((each) => each.name === names.get(old))?.type === typeOf(schemaDef, old);
  return {
    name,
    schemaDef: columns,
    indexes: indexes
      .filter((index) => index.columns.every((each) => isUnchanged(each.name)))
      .map((index) => ({
        ...index,
        columns: index.columns.map((each) => ({ name: names.get(each.name) ?? each.name })),
      })),
  };
}

function typed({ name, type }: Mapped): ProposedColumn {
  return { name, type };
}

function typeOf(columns: readonly ProposedColumn[], name: string): ColumnType | undefined {
  return columns.find((each) => each.name === name)?.type;
}
