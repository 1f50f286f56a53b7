/** Drafts of tables: a definition while it is edited by a form. */
import { parseExact, parseWritten } from "../../api/exactJson";
import type { components } from "../../api/schema";
import type { ColumnType, Table } from "../../api/types";
import { exactText } from "../grid/cellText";

/** A definition as the API returns it. */
export type TableDefinition = components["schemas"]["TableResponse"];
export type Order = "asc" | "desc";

export interface ColumnDraft {
  id: number;
  /** Its name in the definition that is changed; null for a new column. */
  was: string | null;
  name: string;
  type: ColumnType;
  isRequired: boolean;
  isEncrypted: boolean;
  maxLength: string;
  /** Empty: not set. */
  default: string;
  reference: { table: string; column: string } | null;
  /** Keys that the form does not show; they stay as they are. */
  more: Record<string, unknown>;
}

export interface IndexDraft {
  id: number;
  name: string;
  isUnique: boolean;
  columns: { name: string; order: Order }[];
}

export interface TableDraft {
  /** The name of the table that is changed; null for a new one. */
  was: string | null;
  name: string;
  description: string;
  columns: ColumnDraft[];
  indexes: IndexDraft[];
  retention: { column: string; days: string } | null;
  /** Whether changes of rows are recorded, and for how long. */
  history: { keepDays: string } | null;
  /** Keys that the form does not show; they stay as they are. */
  more: Record<string, unknown>;
}

export const TYPES: readonly { value: ColumnType; label: string }[] = [
  { value: "string", label: "string – text" },
  { value: "number", label: "number – with fractions" },
  { value: "integer", label: "integer – whole number" },
  { value: "decimal", label: "decimal – exact number, money" },
  { value: "boolean", label: "boolean – true or false" },
  { value: "date", label: "date – date and time" },
  { value: "json", label: "json – any JSON value" },
];

export function isType(text: string): text is ColumnType {
  return TYPES.some(({ value }) => value === text);
}

let last = 0;
export const nextId = () => ++last;

export function newColumn(): ColumnDraft {
  return {
    id: nextId(),
    was: null,
    name: "",
    type: "string",
    isRequired: false,
    isEncrypted: false,
    maxLength: "",
    default: "",
    reference: null,
    more: {},
  };
}

export const NEW_HISTORY = { keepDays: "30" };

export function newTable(): TableDraft {
  return {
    was: null,
    name: "",
    description: "",
    columns: [newColumn()],
    indexes: [],
    retention: null,
    // changes of tables that people make by hand can be looked up and undone
    history: NEW_HISTORY,
    more: {},
  };
}

export function newIndex(column: string | undefined): IndexDraft {
  return {
    id: nextId(),
    name: column === undefined ? "" : `by_${column.toLowerCase().replace(/^_+/, "")}`,
    isUnique: false,
    columns: column === undefined ? [] : [{ name: column, order: "asc" }],
  };
}

/** The draft of a definition that exists: names that change are renames. */
export function draftOfTable(table: TableDefinition): TableDraft {
  return draftOfJson(table, table);
}

function defaultText(value: unknown, type: string): string {
  if (isUnset(value)) return "";
  return type === "json" ? JSON.stringify(value) : exactText(value);
}

function isUnset(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    (typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 0)
  );
}

/** The JSON of a draft, as the API takes it. Throws TypeError for a default that is not JSON. */
export function bodyOf(draft: TableDraft): object {
  const { was, name, description, columns, indexes, retention, history } = draft;
  return {
    name,
    ...(isRename(was, name) ? { renamedFrom: was } : {}),
    description,
    schemaDef: columns.map(columnBody),
    indexes: indexes.map((index) => ({
      name: index.name,
      isUnique: index.isUnique,
      columns: index.columns.map((each) => ({ name: each.name, order: each.order })),
    })),
    ...(retention === null
      ? {}
      : { retention: { column: retention.column, days: numberOrText(retention.days) } }),
    ...(history === null ? {} : { history: { keepDays: numberOrText(history.keepDays) } }),
    ...draft.more,
  };
}

function columnBody(column: ColumnDraft): object {
  const { was, name, type, isRequired, isEncrypted, maxLength, reference } = column;
  return {
    name,
    ...(isRename(was, name) ? { renamedFrom: was } : {}),
    type,
    isRequired,
    isEncrypted,
    reference: reference ?? {},
    maxLength: numberOrText(maxLength),
    default: defaultOf(column),
    ...column.more,
  };
}

const JSON_NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;

/** A default as the API returns it; a text that does not fit the type as it is, so that the server refuses it. */
function defaultOf(column: ColumnDraft): unknown {
  const { type, default: text } = column;
  if (text === "") return "";
  if (type === "json") return jsonDefault(column);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  const isNumber = (type === "number" || type === "integer") && JSON_NUMBER.test(text);
  return isNumber ? parseExact(text) : text;
}

function jsonDefault({ name, default: text }: ColumnDraft): unknown {
  try {
    return parseWritten(text);
  } catch {
    throw new TypeError(`The default of column ${name} must be JSON; got ${JSON.stringify(text)}.`);
  }
}

function isRename(was: string | null, name: string): boolean {
  return was !== null && was.toLowerCase() !== name.toLowerCase();
}

/** A number as such, so that the server checks it; other text as it is, so that the server refuses it. */
function numberOrText(text: string): number | string {
  return /^[0-9]{1,15}$/.test(text.trim()) ? Number(text) : text.trim();
}

const TABLE_KEYS = ["name", "renamedFrom", "description", "schemaDef", "indexes", "retention", "history"];
const COLUMN_KEYS = [
  "name",
  "renamedFrom",
  "type",
  "isRequired",
  "isEncrypted",
  "reference",
  "maxLength",
  "default",
  "readOnly",
];

/** The draft of JSON that somebody wrote. `base` is the definition that it changes. Throws TypeError for what the
 * form cannot show. */
export function draftOfJson(value: unknown, base?: TableDefinition): TableDraft {
  const table = objectOf(value, "The definition");
  const columns = arrayOf(table.schemaDef, "schemaDef").filter((each) => !isReadOnly(each));
  const known = new Map(base?.schemaDef.map(({ name }) => [name.toLowerCase(), name]));
  return {
    was: base?.name ?? null,
    name: textIn(table.name, "name"),
    description: textIn(table.description, "description"),
    columns: columns.map((each, at) => {
      const column = objectOf(each, `Column ${at + 1}`);
      const name = textIn(column.name, `the name of column ${at + 1}`);
      const type = textIn(column.type, `the type of ${name}`);
      if (!isType(type)) throw new TypeError(`Column ${name} has the unknown type ${JSON.stringify(type)}.`);
      const former = textIn(column.renamedFrom, `renamedFrom of ${name}`) || name;
      return {
        id: nextId(),
        was: known.get(former.toLowerCase()) ?? known.get(name.toLowerCase()) ?? null,
        name,
        type,
        isRequired: column.isRequired === true,
        isEncrypted: column.isEncrypted === true,
        maxLength: isUnset(column.maxLength) ? "" : exactText(column.maxLength),
        default: defaultText(column.default, type),
        reference: referenceIn(column.reference, name),
        more: others(column, COLUMN_KEYS),
      };
    }),
    indexes: isUnset(table.indexes) ? [] : arrayOf(table.indexes, "indexes").map(indexIn),
    retention: retentionIn(table.retention),
    history: historyIn(table.history),
    more: others(table, TABLE_KEYS),
  };
}

function isReadOnly(column: unknown): boolean {
  return typeof column === "object" && column !== null && "readOnly" in column && column.readOnly === true;
}

function referenceIn(value: unknown, name: string): ColumnDraft["reference"] {
  if (isUnset(value)) return null;
  const reference = objectOf(value, `The reference of ${name}`, ["table", "column"]);
  return { table: textIn(reference.table, "table"), column: textIn(reference.column, "column") };
}

function indexIn(value: unknown, at: number): IndexDraft {
  const index = objectOf(value, `Index ${at + 1}`, ["name", "isUnique", "columns"]);
  return {
    id: nextId(),
    name: textIn(index.name, `the name of index ${at + 1}`),
    isUnique: index.isUnique === true,
    columns: arrayOf(index.columns, `the columns of index ${at + 1}`).map((each) => {
      const part = objectOf(each, `A column of index ${at + 1}`, ["name", "order"]);
      return { name: textIn(part.name, "name"), order: part.order === "desc" ? "desc" : "asc" };
    }),
  };
}

function retentionIn(value: unknown): TableDraft["retention"] {
  if (isUnset(value)) return null;
  const retention = objectOf(value, "retention", ["column", "days"]);
  return { column: textIn(retention.column, "column"), days: exactText(retention.days) };
}

function historyIn(value: unknown): TableDraft["history"] {
  if (isUnset(value)) return null;
  return { keepDays: exactText(objectOf(value, "history", ["keepDays"]).keepDays) };
}

/** An object; with `keys`, one without others. Throws TypeError. */
export function objectOf(value: unknown, what: string, keys?: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`${what} must be an object.`);
  const other = keys && Object.keys(value).find((key) => !keys.includes(key));
  if (other !== undefined) throw new TypeError(`The form cannot show the key ${JSON.stringify(other)}.`);
  return value as Record<string, unknown>;
}

/** The members of an object with other keys. */
export function others(members: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([key]) => !keys.includes(key)));
}

export function arrayOf(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${what} must be an array.`);
  return value;
}

export function textIn(value: unknown, what: string): string {
  if (isUnset(value)) return "";
  if (typeof value !== "string") throw new TypeError(`${what} must be a text; got ${JSON.stringify(value)}.`);
  return value;
}

/** The draft with another name of a column: what names the column in this table follows. */
export function renameColumn(draft: TableDraft, id: number, name: string): TableDraft {
  const before = draft.columns.find((each) => each.id === id)?.name ?? "";
  const isShared = draft.columns.some((each) => each.id !== id && each.name === before);
  const follow = (each: string) => (before !== "" && !isShared && each === before ? name : each);
  const isOwn = (table: string) => table === draft.name || table === draft.was;
  return {
    ...draft,
    columns: draft.columns.map((each) => ({
      ...each,
      ...(each.id === id ? { name } : {}),
      ...(each.reference !== null && isOwn(each.reference.table)
        ? { reference: { ...each.reference, column: follow(each.reference.column) } }
        : {}),
    })),
    indexes: draft.indexes.map((index) => ({
      ...index,
      columns: index.columns.map((each) => ({ ...each, name: follow(each.name) })),
    })),
    retention:
      draft.retention === null ? null : { ...draft.retention, column: follow(draft.retention.column) },
  };
}

/** Another type of a column: what does not suit it is removed. */
export function withType(column: ColumnDraft, type: ColumnType): ColumnDraft {
  return {
    ...column,
    type,
    maxLength: type === "string" ? column.maxLength : "",
    default: "",
    reference: null,
  };
}

const SYSTEM_IDS = ["_id", "sys_Id"];

/** The columns of a table that a column of this type can refer to: those that are unique. */
export function referable(table: Pick<Table, "schemaDef" | "indexes">, type: ColumnType): string[] {
  const unique = new Set(
    table.indexes.flatMap(({ isUnique, columns }) =>
      isUnique && columns.length === 1 ? columns.map(({ name }) => name) : [],
    ),
  );
  const own = table.schemaDef.filter(
    (each) => each.type === type && !each.isEncrypted && unique.has(each.name),
  );
  return [...own.map(({ name }) => name), ...(type === "string" ? SYSTEM_IDS : [])];
}

/** What a column is, in a few words. */
export function columnSummary(column: ColumnDraft): string {
  const { type, isRequired, isEncrypted, maxLength, reference, was, name } = column;
  return [
    type,
    ...(isRequired ? ["required"] : []),
    ...(isEncrypted ? ["encrypted"] : []),
    ...(maxLength === "" ? [] : [`at most ${maxLength} characters`]),
    ...(column.default === "" ? [] : [`default ${column.default.slice(0, 40)}`]),
    ...(reference === null ? [] : [`refers to ${reference.table}.${reference.column}`]),
    ...(was === null ? ["new"] : was === name ? [] : [`renamed from ${was}`]),
  ].join(", ");
}

export function indexSummary({ isUnique, columns }: IndexDraft): string {
  const names = columns.map(({ name, order }) => (order === "desc" ? `${name} descending` : name));
  return `${isUnique ? "unique, " : ""}${names.join(", ") || "no column yet"}`;
}
