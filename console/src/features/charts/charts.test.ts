import { expect, test } from "vitest";
import type { ColumnType } from "../../api/types";
import type { Column } from "../grid/columns";
import { chartOf, totalOf } from "./aggregate";
import { readPlan, redrawn, suitablePlan, titleOf, writePlan } from "./plan";

function column(name: string, type: ColumnType, more: Partial<Column> = {}): Column {
  return { name, type, isSystem: false, isRequired: false, isEncrypted: false, ...more };
}

const COLUMNS = [
  column("order_id", "integer"),
  column("Secret", "string", { isEncrypted: true }),
  column("Name", "string"),
  column("City", "string", { reference: { table: "cities", column: "Name" } }),
  column("Price", "decimal"),
  column("Day", "date"),
  column("Data", "json"),
  column("Created_On", "date", { isSystem: true }),
];

test("columns are chosen by their types", () => {
  expect(suitablePlan("bar", COLUMNS)).toEqual({
    kind: "bar",
    category: "City",
    aggregate: "sum",
    value: "Price",
  });
  expect(suitablePlan("line", COLUMNS).category).toBe("Day");
  const few = [column("order_id", "integer"), column("Created_On", "date", { isSystem: true })];
  expect(suitablePlan("area", few)).toMatchObject({ category: "Created_On", aggregate: "count", value: "" });
  expect(suitablePlan("bar", few).category).toBe("order_id");
});

test.each([
  ["Paid", true],
  ["Number", true],
  ["customerId", false],
  ["zip", false],
])("whether %s has values", (name, hasValues) => {
  expect(suitablePlan("number", [column(name, "integer")]).value).toBe(hasValues ? name : "");
});

test("another drawing has another category, unless one was chosen", () => {
  expect(redrawn(suitablePlan("bar", COLUMNS), "line", COLUMNS).category).toBe("Day");
  const chosen = { ...suitablePlan("bar", COLUMNS), category: "Name" };
  expect(redrawn(chosen, "line", COLUMNS).category).toBe("Name");
});

test("a chart in the address bar", () => {
  const plan = suitablePlan("pie", COLUMNS);
  expect(readPlan(writePlan(plan), COLUMNS)).toEqual(plan);
  expect(titleOf(plan)).toBe("Sum of Price by City");
  for (const text of [
    null,
    "",
    "{}",
    '["pie"]',
    '["pie","Gone","count",""]',
    '["pie","Secret","count",""]',
    '["pie","City","sum","Name"]',
    '["x","City","count",""]',
  ]) {
    expect(readPlan(text, COLUMNS)).toBeUndefined();
  }
});

const ROWS = [
  { City: "Rome", Price: "1.5", Day: "2026-01-05T12:00:00.000Z" },
  { City: "Oslo", Price: "4", Day: "2026-03-05T12:00:00.000Z" },
  { City: "Rome", Price: null, Day: "2026-03-06T12:00:00.000Z" },
  { City: null, Price: "-1", Day: null },
];

test.each([
  ["sum", ["Oslo", "Rome", "(none)"], [4, 1.5, -1]],
  ["count", ["Rome", "(none)", "Oslo"], [2, 1, 1]],
  ["avg", ["Oslo", "Rome", "(none)"], [4, 1.5, -1]],
  ["min", ["Oslo", "Rome", "(none)"], [4, 1.5, -1]],
] as const)("%s by text, the largest first", (aggregate, labels, values) => {
  const chart = chartOf(ROWS, { kind: "bar", category: "City", aggregate, value: "Price" }, "string");
  expect(chart.labels).toEqual(labels);
  expect(chart.series[0]?.values).toEqual(values);
});

test("dates are grouped by day, month or year, in their order", () => {
  const plan = { kind: "line", category: "Day", aggregate: "count", value: "" } as const;
  expect(chartOf(ROWS, plan, "date").labels).toEqual(["(none)", "2026-01-05", "2026-03-05", "2026-03-06"]);
  const later = [...ROWS, { Day: "2026-12-01T12:00:00.000Z" }];
  expect(chartOf(later, plan, "date").labels).toEqual(["(none)", "2026-01", "2026-03", "2026-12"]);
  const long = [...ROWS, { Day: "1999-12-01T12:00:00.000Z" }];
  expect(chartOf(long, plan, "date").labels).toEqual(["(none)", "1999", "2026"]);
});

test("many categories are one of others; nothing is lost", () => {
  const rows = Array.from({ length: 30 }, (_, at) => ({ City: `c${at}`, Price: at }));
  const chart = chartOf(rows, { kind: "pie", category: "City", aggregate: "sum", value: "Price" }, "string");
  expect(chart.labels.at(-1)).toBe("(10 others)");
  expect(chart.series[0]?.values.at(-1)).toBe(45);
});

test("numbers are in their order", () => {
  const rows = [{ n: 10 }, { n: 9 }, { n: 10 }];
  const plan = { kind: "bar", category: "n", aggregate: "count", value: "" } as const;
  expect(chartOf(rows, plan, "integer").labels).toEqual(["9", "10"]);
});

test("one number of all rows", () => {
  expect(totalOf(ROWS, { aggregate: "sum", value: "Price" })).toBe(4.5);
  expect(totalOf(ROWS, { aggregate: "max", value: "Price" })).toBe(4);
  expect(totalOf([], { aggregate: "max", value: "Price" })).toBeNull();
  expect(totalOf([], { aggregate: "count", value: "" })).toBe(0);
});
