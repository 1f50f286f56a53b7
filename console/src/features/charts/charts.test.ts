import { expect, test } from "vitest";
import type { ColumnType, Filter } from "../../api/types";
import type { Column } from "../grid/columns";
import { chartOf, totalOf } from "./aggregate";
import { readState } from "../grid/selectionUrl";
import { readPlan, redrawn, suitablePlan, titleOf, writePlan } from "./plan";
import { addressOf, bodyOf, isSame, type SavedChart, shownBy, withChart, withoutChart } from "./saved";
import { notDrawn } from "./data";

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

test("equal numbers are one group, and different texts are not", () => {
  const plan = { kind: "bar", category: "n", aggregate: "count", value: "" } as const;
  const decimals = ["0.10", "0.1", "0", "-0.00", "100", "100.00", "12345678901234567890.10"];
  const chart = chartOf(
    decimals.map((n) => ({ n })),
    plan,
    "decimal",
  );
  expect(chart.labels).toEqual(["0", "0.1", "100", "12345678901234567890.1"]);
  expect(chart.series[0]?.values).toEqual([2, 2, 2, 1]);
  const texts = ["", "(empty text)", null, "(none)", "0.10", "0.1"].map((n) => ({ n }));
  expect(chartOf(texts, plan, "string").series[0]?.values).toEqual([1, 1, 1, 1, 1, 1]);
});

test("one number of all rows", () => {
  expect(totalOf(ROWS, { aggregate: "sum", value: "Price" })).toBe(4.5);
  expect(totalOf(ROWS, { aggregate: "max", value: "Price" })).toBe(4);
  expect(totalOf([], { aggregate: "max", value: "Price" })).toBeNull();
  expect(totalOf([], { aggregate: "count", value: "" })).toBe(0);
});

const SAVED_CHART: SavedChart = {
  id: "ch-1",
  table: "orders",
  name: "Revenue",
  kind: "bar",
  category: "City",
  aggregate: "sum",
  value: "Price",
  query: { expressions: [{ field: "Price", operand: ">", value: 1 }] },
  search: "r",
  shared: true,
  owner: null,
  canChange: true,
  problem: null,
  createdOn: "2026-01-01T00:00:00.000Z",
  updatedOn: "2026-01-01T00:00:00.000Z",
};

test("a saved chart is shown with its filter and its search; the sort stays", () => {
  const before = new URLSearchParams("sort=-Day&filter=old&search=old&x=1");
  const parameters = withChart(before, SAVED_CHART);
  expect(readPlan(parameters.get("chart"), COLUMNS)).toEqual(shownBy(SAVED_CHART).plan);
  const state = readState(parameters);
  expect(state).toEqual({ ...shownBy(SAVED_CHART).state, sort: [{ field: "Day", order: "desc" }] });
  expect(isSame({ plan: shownBy(SAVED_CHART).plan, state }, shownBy(SAVED_CHART))).toBe(true);
  expect(withoutChart(parameters).has("saved")).toBe(false);
  expect(addressOf("main", SAVED_CHART)).toBe("/w/main/tables/orders?saved=ch-1");
});

test("what was changed is noticed, in whatever order its members are", () => {
  const { plan, state } = shownBy(SAVED_CHART);
  const filter: Filter = { expressions: [{ value: 1, operand: ">", field: "Price" }] };
  expect(isSame({ plan, state: { filter, search: "r" } }, { plan, state })).toBe(true);
  expect(isSame({ plan, state: { search: "r" } }, { plan, state })).toBe(false);
  expect(isSame({ plan: { ...plan, kind: "pie" }, state }, { plan, state })).toBe(false);
});

test("a number has no category, and a count no value", () => {
  const plan = { kind: "number", category: "City", aggregate: "count", value: "Price" } as const;
  expect(bodyOf({ plan, state: { search: "" } })).toEqual({
    kind: "number",
    category: null,
    aggregate: "count",
    value: null,
    query: null,
    search: "",
  });
});

test("a chart that shows nothing gives the reason", () => {
  const data = (...values: (number | null)[]) => ({
    labels: [],
    category: "",
    series: [{ name: "", values }],
  });
  expect(notDrawn("bar", data(null, null))).toContain("all are null");
  expect(notDrawn("pie", data(1, -1))).toContain("negative");
  expect(notDrawn("pie", data(0, null))).toContain("zeros");
  expect(notDrawn("pie", data(1, null))).toBeUndefined();
  expect(notDrawn("line", data(0, -1))).toBeUndefined();
});
