/** Drafts of views: a definition while it is edited by a form. Columns of its tables are named `table.column`. */
import type { components } from "../../api/schema";
import type { ColumnType, Filter, SortKey, Table } from "../../api/types";
import { draftOf as filterDraftOf, filterOf, type Junction, newJunction } from "../filters/draft";
import { type Column, columnsOfTable, isOrdered, isSortable } from "../grid/columns";
import type { ViewDefinition } from "./api";
import { arrayOf, nextId, objectOf, others as membersWithout, textIn } from "./tableDraft";

export type JoinKind = "inner" | "left" | "right";
export type Aggregate = "" | "count" | "count distinct" | "sum" | "avg" | "min" | "max";
type Comparison = components["schemas"]["OnBody"]["operand"];

export interface OnDraft {
  left: string;
  operand: string;
  right: string;
}

export interface SourceDraft {
  id: number;
  table: string;
  /** Another name in this view; empty: that of the table. */
  as: string;
  kind: JoinKind;
  /** Empty for the first table. */
  on: OnDraft[];
}

export interface OutputDraft {
  id: number;
  column: string;
  aggregate: Aggregate;
  as: string;
}

export interface ViewDraft {
  was: string | null;
  name: string;
  description: string;
  sources: SourceDraft[];
  columns: OutputDraft[];
  filter: Junction;
  /** Whether the groups are the columns without an aggregate. */
  isGroupedByOthers: boolean;
  groupBy: string[];
  having: Junction;
  sortBy: SortKey[];
  /** Keys that the form does not show; they stay as they are. */
  more: Record<string, unknown>;
}

export const JOINS: readonly { value: JoinKind; label: string }[] = [
  { value: "inner", label: "only rows with a match" },
  { value: "left", label: "also earlier rows without a match" },
  { value: "right", label: "also its rows without a match" },
];

export const COMPARISONS: readonly string[] = ["=", "!=", "<", "<=", ">", ">="] satisfies Comparison[];

interface AggregateFacts {
  label: string;
  suits: (column: Column) => boolean;
  gives: (type: ColumnType) => ColumnType;
}

const isNumeric = (column: Column) =>
  !column.isEncrypted && ["number", "integer", "decimal"].includes(column.type);

export const AGGREGATES: Record<Aggregate, AggregateFacts> = {
  "": { label: "the value", suits: () => true, gives: (type) => type },
  count: { label: "count", suits: () => true, gives: () => "integer" },
  "count distinct": { label: "count different values", suits: isSortable, gives: () => "integer" },
  sum: { label: "sum", suits: isNumeric, gives: (type) => (type === "integer" ? "decimal" : type) },
  avg: { label: "average", suits: isNumeric, gives: (type) => (type === "decimal" ? type : "number") },
  min: { label: "least", suits: isOrdered, gives: (type) => type },
  max: { label: "greatest", suits: isOrdered, gives: (type) => type },
};

export function isAggregate(text: string): text is Aggregate {
  return Object.hasOwn(AGGREGATES, text);
}

export function newView(table: string): ViewDraft {
  return {
    was: null,
    name: "",
    description: "",
    sources: [{ id: nextId(), table, as: "", kind: "inner", on: [] }],
    columns: [],
    filter: newJunction([]),
    isGroupedByOthers: true,
    groupBy: [],
    having: newJunction([]),
    sortBy: [],
    more: {},
  };
}

export function sourceName({ as, table }: SourceDraft): string {
  return as || table;
}

/** The name of a column without another one: `City`, `count_distinct_City`. */
export function defaultName({ column, aggregate }: OutputDraft): string {
  const name = column.slice(column.indexOf(".") + 1);
  return aggregate === "" ? name : `${aggregate.replace(" ", "_")}_${name.replace(/^_+/, "")}`;
}

export function outputName(output: OutputDraft): string {
  return output.as || defaultName(output);
}

export function isGrouped({ columns, groupBy, isGroupedByOthers }: ViewDraft): boolean {
  return columns.some(({ aggregate }) => aggregate !== "") || (!isGroupedByOthers && groupBy.length > 0);
}

/** The groups as they are sent. */
export function groupsOf(draft: ViewDraft): string[] {
  if (!draft.isGroupedByOthers) return draft.groupBy;
  return isGrouped(draft) ? othersOf(draft.columns) : [];
}

function othersOf(columns: readonly OutputDraft[]): string[] {
  return [...new Set(columns.filter(({ aggregate }) => aggregate === "").map(({ column }) => column))];
}

/** The columns of the tables of a view, as `table.column`. */
export function sourceColumns(sources: readonly SourceDraft[], tables: readonly Table[]): Column[] {
  return sources.flatMap((source) => {
    const table = tables.find(({ name }) => name === source.table);
    return table === undefined
      ? []
      : columnsOfTable(table).map((column) => ({ ...column, name: `${sourceName(source)}.${column.name}` }));
  });
}

/** The columns of the view itself. */
export function outputColumns(draft: ViewDraft, columns: readonly Column[]): Column[] {
  return draft.columns.map((output) => {
    const of = columns.find(({ name }) => name === output.column);
    return {
      name: outputName(output),
      type: AGGREGATES[output.aggregate].gives(of?.type ?? "string"),
      isSystem: false,
      isRequired: false,
      isEncrypted: output.aggregate === "" && of?.isEncrypted === true,
    };
  });
}

/** Another name of a table in the view: what names its columns follows. */
export function renameSource(draft: ViewDraft, at: number, changes: Partial<SourceDraft>): ViewDraft {
  const before = draft.sources[at];
  if (before === undefined) return draft;
  const after = { ...before, ...changes };
  const sources = draft.sources.with(at, after);
  const [from, to] = [`${sourceName(before)}.`, `${sourceName(after)}.`];
  const isShared = draft.sources.some(
    (each, other) => other !== at && sourceName(each) === sourceName(before),
  );
  if (from === to || from === "." || isShared) return { ...draft, sources };
  const follow = (column: string) => (column.startsWith(from) ? to + column.slice(from.length) : column);
  return {
    ...draft,
    sources: sources.map((source) => ({
      ...source,
      on: source.on.map((each) => ({ ...each, left: follow(each.left), right: follow(each.right) })),
    })),
    columns: draft.columns.map((each) => ({ ...each, column: follow(each.column) })),
    filter: withFields(draft.filter, follow),
    groupBy: draft.groupBy.map(follow),
  };
}

function withFields(draft: Junction, change: (field: string) => string): Junction {
  return {
    ...draft,
    items: draft.items.map((item) =>
      item.kind === "junction" ? withFields(item, change) : { ...item, field: change(item.field) },
    ),
  };
}

/** The changed columns: a sort or a condition on groups follows a column that has another name. */
export function withOutputs(draft: ViewDraft, columns: OutputDraft[]): ViewDraft {
  const names = new Map(
    columns.flatMap((each) => {
      const before = draft.columns.find(({ id }) => id === each.id);
      return before === undefined ? [] : [[outputName(before), outputName(each)] as const];
    }),
  );
  const follow = (name: string) => names.get(name) ?? name;
  const known = new Set(columns.map(outputName));
  return {
    ...draft,
    columns,
    having: withFields(draft.having, follow),
    sortBy: draft.sortBy
      .map((key) => ({ ...key, field: follow(key.field) }))
      .filter(({ field }) => known.has(field)),
  };
}

/** How a new join could match: by a reference between its table and an earlier one. */
export function likelyMatch(
  source: SourceDraft,
  earlier: readonly SourceDraft[],
  tables: readonly Table[],
): OnDraft[] {
  const own = tables.find(({ name }) => name === source.table);
  for (const other of earlier) {
    const table = tables.find(({ name }) => name === other.table);
    const there = table?.schemaDef.find(({ reference }) => reference.table === source.table);
    if (there?.reference.column !== undefined)
      return [on(sourceName(other), there.name, sourceName(source), there.reference.column)];
    const here = own?.schemaDef.find(({ reference }) => reference.table === other.table);
    if (here?.reference.column !== undefined)
      return [on(sourceName(other), here.reference.column, sourceName(source), here.name)];
  }
  return [{ left: "", operand: "=", right: "" }];
}

function on(left: string, leftColumn: string, right: string, rightColumn: string): OnDraft {
  return { left: `${left}.${leftColumn}`, operand: "=", right: `${right}.${rightColumn}` };
}

/** The JSON of a draft, as the API takes it. */
export function viewBodyOf(draft: ViewDraft, tables: readonly Table[]): object {
  const [first, ...joined] = draft.sources;
  const columns = sourceColumns(draft.sources, tables);
  const { was, name } = draft;
  return {
    name,
    ...(was !== null && was.toLowerCase() !== name.toLowerCase() ? { renamedFrom: was } : {}),
    description: draft.description,
    table: first?.table ?? "",
    as: first?.as ?? "",
    joins: joined.map(({ table, as, kind, on: conditions }) => ({ table, as, type: kind, on: conditions })),
    columns: draft.columns.map(outputBody),
    filter: filterOf(draft.filter, columns) ?? {},
    groupBy: groupsOf(draft),
    having: isGrouped(draft) ? (filterOf(draft.having, outputColumns(draft, columns)) ?? {}) : {},
    sortBy: draft.sortBy.map(({ field, order }) => ({ field, order: order ?? "asc" })),
    ...draft.more,
  };
}

function outputBody(output: OutputDraft): string | object {
  const { column, aggregate, as } = output;
  const [call, distinct] = aggregate.split(" ");
  const expr =
    aggregate === "" ? column : `${call ?? ""}(${distinct === undefined ? "" : "distinct "}${column})`;
  return as === "" || as === defaultName(output) ? expr : { expr, as };
}

const VIEW_KEYS = [
  "name",
  "renamedFrom",
  "description",
  "table",
  "as",
  "joins",
  "columns",
  "filter",
  "groupBy",
  "having",
  "sortBy",
];

/** The draft of a definition, also of one that somebody wrote. Throws TypeError for what the form cannot show. */
export function draftOfView(value: unknown, base?: ViewDefinition): ViewDraft {
  const view = objectOf(value, "The definition");
  const columns = listIn(view.columns, "columns").map(outputIn);
  const groupBy = listIn(view.groupBy, "groupBy").map((each) => textIn(each, "groupBy"));
  const others = columns.some(({ aggregate }) => aggregate !== "") ? othersOf(columns) : [];
  return {
    was: base?.name ?? null,
    name: textIn(view.name, "name"),
    description: textIn(view.description, "description"),
    sources: [
      { id: nextId(), table: textIn(view.table, "table"), as: textIn(view.as, "as"), kind: "inner", on: [] },
      ...listIn(view.joins, "joins").map(sourceIn),
    ],
    columns,
    filter: filterDraftOf(filterIn(view.filter)),
    isGroupedByOthers: groupBy.length === others.length && groupBy.every((each) => others.includes(each)),
    groupBy,
    having: filterDraftOf(filterIn(view.having)),
    sortBy: listIn(view.sortBy, "sortBy").map((each) => {
      const key = objectOf(each, "A sort", ["field", "order"]);
      return { field: textIn(key.field, "field"), order: key.order === "desc" ? "desc" : "asc" };
    }),
    more: membersWithout(view, VIEW_KEYS),
  };
}

function listIn(value: unknown, what: string): unknown[] {
  if (value === undefined || value === null || value === "") return [];
  if (typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 0) return [];
  return arrayOf(value, what);
}

function filterIn(value: unknown): Filter | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  return objectOf(value, "A filter", ["expressions", "operator"]);
}

function sourceIn(value: unknown): SourceDraft {
  const join = objectOf(value, "A join", ["table", "as", "type", "on"]);
  return {
    id: nextId(),
    table: textIn(join.table, "table"),
    as: textIn(join.as, "as"),
    kind: JOINS.find((each) => each.value === join.type)?.value ?? "inner",
    on: listIn(join.on, "on").map((each) => {
      const condition = objectOf(each, "A condition", ["left", "operand", "right"]);
      return {
        left: textIn(condition.left, "left"),
        operand: textIn(condition.operand, "operand"),
        right: textIn(condition.right, "right"),
      };
    }),
  };
}

const CALL = /^\s*([a-z]+)\s*\(\s*(distinct\s+)?([^()]+?)\s*\)\s*$/;

function outputIn(value: unknown): OutputDraft {
  const column = typeof value === "string" ? { expr: value } : objectOf(value, "A column", ["expr", "as"]);
  const expr = textIn(column.expr, "expr");
  const call = CALL.exec(expr);
  const as = "as" in column ? textIn(column.as, "as") : "";
  if (call === null) return { id: nextId(), column: expr, aggregate: "", as };
  const aggregate = `${call[1] ?? ""}${call[2] === undefined ? "" : " distinct"}`;
  if (!isAggregate(aggregate)) throw new TypeError(`The form does not know ${JSON.stringify(expr)}.`);
  return { id: nextId(), column: call[3] ?? "", aggregate, as };
}

export function outputSummary(output: OutputDraft): string {
  const { aggregate, column } = output;
  return aggregate === "" ? column : `${AGGREGATES[aggregate].label} of ${column}`;
}

export function sourceSummary(source: SourceDraft, at: number): string {
  const table = source.as === "" ? "" : `table ${source.table}`;
  if (at === 0) return table;
  const conditions = source.on.map(({ left, operand, right }) => `${left} ${operand} ${right}`).join(" and ");
  const kind = JOINS.find(({ value }) => value === source.kind)?.label ?? "";
  return [table, conditions, kind].filter(Boolean).join(", ");
}
