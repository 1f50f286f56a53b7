/** Files of definitions: one with everything, or those that `rowkeep schema export` writes. */
import { messageOf } from "../../api/errors";
import { parseWritten } from "../../api/exactJson";
import { textOf } from "./json";

type Members = Record<string, unknown>;

export type Part = "tables" | "views" | "grants" | "charts";
export const PARTS: readonly Part[] = ["tables", "views", "grants", "charts"];

/** Definitions as files have them; a part that no file has is missing. */
export type Schema = Partial<Record<Part, Members[]>>;

export interface NamedText {
  name: string;
  text: string;
}

/** The definitions in some files. Throws TypeError for other files. */
export function schemaOf(files: readonly NamedText[]): Schema {
  const schema: Schema = {};
  const add = (part: Part, entries: readonly unknown[]) => {
    schema[part] = [...(schema[part] ?? []), ...(entries as Members[])];
  };
  for (const { name, text } of files) {
    const value = parsed(name, text);
    if (Array.isArray(value)) add(isOfCharts(name, value) ? "charts" : "grants", value);
    else if ("schemaDef" in value) add("tables", [value]);
    else if ("columns" in value && "table" in value) add("views", [value]);
    else if (PARTS.some((part) => part in value)) {
      for (const part of PARTS) {
        const entries = value[part];
        if (Array.isArray(entries)) add(part, entries);
        else if (entries !== undefined && entries !== null)
          throw new TypeError(`${name}: ${JSON.stringify(part)} must be an array.`);
      }
    } else
      throw new TypeError(
        `${name} has no definition. A table has the key "schemaDef", a view the keys "table" and "columns".`,
      );
  }
  return schema;
}

/** Whether an array has charts: the file is called charts.json, or its first entry has the keys of a chart. */
function isOfCharts(name: string, entries: readonly unknown[]): boolean {
  const first = entries[0];
  if (first === undefined) return name.toLowerCase() === "charts.json";
  return typeof first === "object" && first !== null && "kind" in first;
}

function parsed(name: string, text: string): Members | unknown[] {
  let value: unknown;
  try {
    value = parseWritten(text);
  } catch (error) {
    throw new TypeError(`${name} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (typeof value !== "object" || value === null) throw new TypeError(`${name} has no definition.`);
  return value as Members | unknown[];
}

/** What is sent: the chosen parts; with `keeps`, also what is there and that the files do not have. */
export function importText(files: Schema, present: Schema, parts: readonly Part[], keeps: boolean): string {
  const body: Schema = {};
  for (const part of parts) {
    const own = files[part];
    if (own === undefined) continue;
    const known = new Set(
      own.flatMap((each) => [keyOf(part, each), keyOf(part, { ...each, ...former(each) })]),
    );
    const there = keeps ? (present[part] ?? []).map((each) => renamed(part, each, files, parts)) : [];
    body[part] = [...own, ...there.filter((each) => !known.has(keyOf(part, each)))];
  }
  return textOf(body);
}

/** A grant or chart by the names that its table or view, and its columns, have after the import. */
function renamed(part: Part, entry: Members, files: Schema, parts: readonly Part[]): Members {
  if (part !== "grants" && part !== "charts") return entry;
  const [kind, list] =
    entry.view === undefined ? (["table", "tables"] as const) : (["view", "views"] as const);
  const found = parts.includes(list) && files[list]?.find((each) => sameText(each.renamedFrom, entry[kind]));
  const now = found ? { ...entry, [kind]: found.name } : entry;
  const columns =
    parts.includes(list) && files[list]?.find((each) => sameText(each.name, now[kind]))?.schemaDef;
  return part === "charts" && Array.isArray(columns) ? withColumns(now, columns as Members[]) : now;
}

const NAMES_OF_COLUMNS = ["category", "value", "query"];

function withColumns(chart: Members, columns: readonly Members[]): Members {
  const name = (given: unknown) => columns.find((each) => sameText(each.renamedFrom, given))?.name ?? given;
  const follow = (node: unknown): unknown => {
    if (typeof node !== "object" || node === null) return name(node);
    const { field, expressions, not } = node as Members;
    return {
      ...node,
      ...(field !== undefined && { field: name(field) }),
      ...(Array.isArray(expressions) && { expressions: expressions.map(follow) }),
      ...(not !== undefined && { not: follow(not) }),
    };
  };
  const members = NAMES_OF_COLUMNS.filter((key) => key in chart);
  return { ...chart, ...Object.fromEntries(members.map((key) => [key, follow(chart[key])])) };
}

function sameText(one: unknown, other: unknown): boolean {
  return typeof one === "string" && typeof other === "string" && one.toLowerCase() === other.toLowerCase();
}

/** The former name of a table or view, which is not there any more after the rename. */
function former({ renamedFrom }: Members): Members {
  return typeof renamedFrom === "string" && renamedFrom !== "" ? { name: renamedFrom } : {};
}

function keyOf(part: Part, entry: Members): string {
  const key = [entry.name];
  if (part === "grants") key.push(entry.app);
  if (part === "grants" || part === "charts") key.push(entry.table, entry.view);
  return JSON.stringify(key.map((each) => (typeof each === "string" ? each : "").toLowerCase()));
}

/** How many definitions of each part there are. */
export function countsOf(schema: Schema): string {
  const counts = PARTS.flatMap((part) => {
    const count = schema[part]?.length;
    if (count === undefined) return [];
    return [`${count.toLocaleString()} ${count === 1 ? part.slice(0, -1) : part}`];
  });
  return counts.join(", ");
}

/** Saves a text as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
