/** Groups rows by the values of a column, and computes one number for each group. */
import type { ColumnType, Row } from "../../api/types";
import { exactText } from "../grid/cellText";
import type { ChartData } from "./data";
import { type Aggregate, type ChartPlan, titleOf } from "./plan";

/** More categories than these are one, "others". */
export const MOST_CATEGORIES = 20;
/** More points of a line are not drawn. */
const MOST_POINTS = 500;
const NONE = "(none)";
const DAY_MS = 86_400_000;
const MOST_DAYS = 92;
const MOST_MONTHS = 5 * 366;

interface Group {
  label: string;
  /** By what groups are ordered: a time, a number or a text. */
  order: number | string;
  values: number[];
}

/** The number of all rows together; null if there is no value. */
export function totalOf(rows: readonly Row[], plan: Pick<ChartPlan, "aggregate" | "value">): number | null {
  return computed(
    rows.flatMap((row) => valueOf(row, plan)),
    plan.aggregate,
  );
}

export function chartOf(rows: readonly Row[], plan: ChartPlan, type: ColumnType): ChartData {
  const groups = grouped(rows, plan, type);
  const isOrdered = type === "date" || type === "number" || type === "integer" || type === "decimal";
  const shown =
    isOrdered && (type === "date" || plan.kind === "line" || plan.kind === "area")
      ? groups.toSorted(byOrder).slice(-MOST_POINTS)
      : largest(groups, plan.aggregate, isOrdered);
  return {
    labels: shown.map(({ label }) => label),
    category: plan.category,
    series: [{ name: titleOf(plan), values: shown.map(({ values }) => computed(values, plan.aggregate)) }],
  };
}

function grouped(rows: readonly Row[], plan: ChartPlan, type: ColumnType): Group[] {
  const bucket = type === "date" ? dateBucket(rows.map((row) => row[plan.category])) : plainBucket(type);
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const cell = row[plan.category];
    const { key, label, order } =
      cell === null || cell === undefined
        ? { key: NONE, label: NONE, order: type === "string" ? "" : -Infinity }
        : bucket(cell);
    const group = groups.get(key) ?? { label, order, values: [] };
    groups.set(key, group);
    group.values.push(...valueOf(row, plan));
  }
  return [...groups.values()];
}

/** One number for a row that counts, or none if its value is null. */
function valueOf(row: Row, { aggregate, value }: Pick<ChartPlan, "aggregate" | "value">): number[] {
  if (aggregate === "count") return [1];
  const cell = row[value];
  if (cell === null || cell === undefined) return [];
  const number = Number(exactText(cell));
  return Number.isFinite(number) ? [number] : [];
}

function computed(values: readonly number[], aggregate: Aggregate): number | null {
  if (aggregate === "count") return values.length;
  if (values.length === 0) return null;
  switch (aggregate) {
    case "sum":
      return sum(values);
    case "avg":
      return sum(values) / values.length;
    case "min":
      return values.reduce((least, each) => Math.min(least, each));
    case "max":
      return values.reduce((most, each) => Math.max(most, each));
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}

/** The largest groups, and one of all others. */
function largest(groups: readonly Group[], aggregate: Aggregate, isOrdered: boolean): Group[] {
  const size = ({ values }: Group) => computed(values, aggregate) ?? -Infinity;
  const sorted = groups.toSorted((a, b) => size(b) - size(a) || byOrder(a, b));
  const shown = sorted.slice(0, MOST_CATEGORIES);
  const rest = sorted.slice(MOST_CATEGORIES);
  if (isOrdered) shown.sort(byOrder);
  if (rest.length === 0) return shown;
  const label = `(${rest.length.toLocaleString()} others)`;
  return [...shown, { label, order: "", values: rest.flatMap(({ values }) => values) }];
}

function byOrder(a: Group, b: Group): number {
  if (typeof a.order === "number" && typeof b.order === "number") {
    return a.order === b.order ? 0 : a.order - b.order;
  }
  return String(a.order).localeCompare(String(b.order));
}

/** The key is another one for each group, and none is that of null. */
type Bucket = (cell: unknown) => { key: string; label: string; order: number | string };

function plainBucket(type: ColumnType): Bucket {
  const isText = type === "string" || type === "boolean";
  return (cell) => {
    const text = isText ? exactText(cell) : shortestNumber(exactText(cell));
    const label = text === "" ? "(empty text)" : text;
    return { key: `=${text}`, label, order: isText ? text : Number(text) };
  };
}

/** Equal numbers are one text: 0.10 and 0.1, or -0 and 0. */
function shortestNumber(text: string): string {
  const short = /^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, "") : text;
  return short === "-0" ? "0" : short;
}

/** Days, months or years, in the zone of the reader: as many as can be shown. */
function dateBucket(cells: readonly unknown[]): Bucket {
  const times = cells
    .filter((each) => typeof each === "string")
    .map((each) => Date.parse(each))
    .filter((each) => !Number.isNaN(each));
  const first = times.reduce((least, each) => Math.min(least, each), Infinity);
  const last = times.reduce((most, each) => Math.max(most, each), -Infinity);
  const days = (last - first) / DAY_MS;
  const length = days <= MOST_DAYS ? 10 : days <= MOST_MONTHS ? 7 : 4;
  return (cell) => {
    const date = new Date(exactText(cell));
    if (Number.isNaN(date.getTime())) {
      const text = exactText(cell);
      return { key: `=${text}`, label: text, order: -Infinity };
    }
    const label = localDay(date).slice(0, -10 + length || undefined);
    return { key: `=${label}`, label, order: date.getFullYear() * 10_000 + partOf(date, length) };
  };
}

function partOf(date: Date, length: number): number {
  return (length >= 7 ? (date.getMonth() + 1) * 100 : 0) + (length >= 10 ? date.getDate() : 0);
}

function localDay(date: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
