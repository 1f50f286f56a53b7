/** Which chart of a table or view is shown: how it is drawn, by which column, and of which values. */
import type { Column } from "../grid/columns";
import type { Drawing } from "./data";

export type ChartKind = Drawing | "number";
export type Aggregate = "count" | "sum" | "avg" | "min" | "max";

export const KINDS: readonly { value: ChartKind; label: string }[] = [
  { value: "bar", label: "Bars" },
  { value: "line", label: "Line" },
  { value: "area", label: "Area" },
  { value: "pie", label: "Pie" },
  { value: "number", label: "Number" },
];

export const AGGREGATES: readonly { value: Aggregate; label: string }[] = [
  { value: "count", label: "number of rows" },
  { value: "sum", label: "sum" },
  { value: "avg", label: "average" },
  { value: "min", label: "smallest" },
  { value: "max", label: "largest" },
];

export interface ChartPlan {
  kind: ChartKind;
  /** The column by whose values the rows are grouped; a number has none. */
  category: string;
  aggregate: Aggregate;
  /** The column of the values; "" if rows are counted. */
  value: string;
}

const NUMERIC = new Set(["number", "integer", "decimal"]);
/** Names of numbers that identify something: their sum means nothing. */
const IDENTIFIES = /(^|_)(id|no|nr|code|zip|year|phone)$/i;
const ENDS_WITH_ID = /[a-z]I[dD]$/;
const SYSTEM_DATE = "Created_On";

export function isCategory({ type, isEncrypted }: Column): boolean {
  return !isEncrypted && type !== "json";
}

export function isValue({ type, isEncrypted }: Column): boolean {
  return !isEncrypted && NUMERIC.has(type);
}

function identifies({ name }: Column): boolean {
  return IDENTIFIES.test(name) || ENDS_WITH_ID.test(name);
}

/** A chart that suits the columns. */
export function suitablePlan(kind: ChartKind, columns: readonly Column[]): ChartPlan {
  const value = columns.find((each) => !each.isSystem && isValue(each) && !identifies(each));
  const values = { aggregate: value === undefined ? "count" : "sum", value: value?.name ?? "" } as const;
  const category = suitableCategory(kind, columns, value)?.name ?? "";
  return { kind, category, ...values };
}

function suitableCategory(kind: ChartKind, columns: readonly Column[], value?: Column): Column | undefined {
  const own = columns.filter((each) => !each.isSystem && each !== value && isCategory(each));
  const ofType = (type: Column["type"]) => own.find((each) => each.type === type);
  const dates = ofType("date");
  const texts =
    own.find((each) => each.reference !== undefined) ??
    own.find((each) => each.type === "string" && !identifies(each)) ??
    ofType("boolean") ??
    ofType("string");
  const isOverTime = kind === "line" || kind === "area";
  return (
    (isOverTime ? (dates ?? systemDate(columns) ?? texts) : (texts ?? dates)) ??
    own[0] ??
    systemDate(columns) ??
    columns.find(isCategory)
  );
}

function systemDate(columns: readonly Column[]): Column | undefined {
  return columns.find(({ name }) => name === SYSTEM_DATE);
}

/** The chart with another drawing. A line is over time, if it was chosen by its columns before. */
export function redrawn(plan: ChartPlan, kind: ChartKind, columns: readonly Column[]): ChartPlan {
  const wasSuitable = suitablePlan(plan.kind, columns).category === plan.category;
  const category = wasSuitable || plan.category === "" ? suitablePlan(kind, columns).category : plan.category;
  return { ...plan, kind, category };
}

/** The chart in the address bar; undefined if there is none, or none of these columns. */
export function readPlan(text: string | null, columns: readonly Column[]): ChartPlan | undefined {
  if (text === null) return undefined;
  try {
    const [kind, category, aggregate, value] = JSON.parse(text) as unknown[];
    const known = KINDS.find((each) => each.value === kind)?.value;
    const how = AGGREGATES.find((each) => each.value === aggregate)?.value;
    const by = columns.find((each) => each.name === category && isCategory(each));
    const of = columns.find((each) => each.name === value && isValue(each));
    if (known === undefined || how === undefined) return undefined;
    if ((by === undefined && known !== "number") || (of === undefined && how !== "count")) return undefined;
    return { kind: known, category: by?.name ?? "", aggregate: how, value: of?.name ?? "" };
  } catch {
    return undefined;
  }
}

export function writePlan({ kind, category, aggregate, value }: ChartPlan): string {
  return JSON.stringify([kind, category, aggregate, value]);
}

export function titleOf({ kind, category, aggregate, value }: ChartPlan): string {
  const label = AGGREGATES.find((each) => each.value === aggregate)?.label ?? aggregate;
  const what =
    aggregate === "count"
      ? "Number of rows"
      : `${label.charAt(0).toUpperCase()}${label.slice(1)} of ${value}`;
  return kind === "number" ? what : `${what} by ${category}`;
}
