import { expect, test } from "vitest";
import type { Table } from "../../api/types";
import {
  draftOfView,
  likelyMatch,
  newView,
  outputColumns,
  renameSource,
  sourceColumns,
  type ViewDraft,
  viewBodyOf,
  withOutputs,
} from "./viewDraft";

const column = (name: string, type: string, reference: object = {}) =>
  ({
    name,
    type,
    isRequired: false,
    isEncrypted: false,
    reference,
    maxLength: "",
    default: "",
  }) as Table["schemaDef"][0];
const table = (name: string, ...schemaDef: Table["schemaDef"]): Table => ({
  name,
  description: "",
  schemaDef,
  indexes: [],
});
const TABLES = [
  table("people", column("Name", "string"), column("City", "string")),
  table(
    "orders",
    column("Who", "string", { table: "people", column: "Name" }),
    column("Items", "integer"),
    column("Price", "decimal"),
  ),
];
const VIEW = {
  name: "sales",
  description: "What each city ordered",
  table: "people",
  as: "",
  joins: [
    {
      table: "orders",
      as: "o",
      type: "left",
      on: [{ left: "people.Name", operand: "=", right: "o.Who" }],
    },
  ],
  columns: [
    "people.City",
    "count(o._id)",
    "sum(o.Items)",
    { expr: "count(distinct people.Name)", as: "People" },
  ],
  filter: { expressions: [{ field: "people.City", operand: "is not null" }], operator: "and" },
  groupBy: ["people.City"],
  having: { expressions: [{ field: "People", operand: ">=", value: "1" }], operator: "and" },
  sortBy: [{ field: "sum_Items", order: "desc" }],
};

test("a view stays the same when it is edited without a change", () => {
  const draft = draftOfView(VIEW);
  expect(draft.isGroupedByOthers).toBe(true);
  expect(viewBodyOf(draft, TABLES)).toEqual(VIEW);
  const other = { ...VIEW, groupBy: ["people.City", "people.Name"], chart: { kind: "bar" } };
  expect(draftOfView(other).isGroupedByOthers).toBe(false);
  expect(viewBodyOf(draftOfView(other), TABLES)).toEqual(other);
});

test("the columns of a view have the types that the server gives them", () => {
  const draft = draftOfView(VIEW);
  const found = outputColumns(draft, sourceColumns(draft.sources, TABLES));
  expect(found.map(({ name, type }) => [name, type])).toEqual([
    ["City", "string"],
    ["count_id", "integer"],
    ["sum_Items", "decimal"],
    ["People", "integer"],
  ]);
});

test("another name of a table: what names its columns follows", () => {
  const draft = renameSource(draftOfView(VIEW), 0, { as: "p" });
  const body = viewBodyOf(draft, TABLES) as typeof VIEW;
  expect(body.as).toBe("p");
  expect(body.joins[0]?.on[0]).toEqual({ left: "p.Name", operand: "=", right: "o.Who" });
  expect(body.columns[0]).toBe("p.City");
  expect(body.filter.expressions[0]?.field).toBe("p.City");
  expect(body.groupBy).toEqual(["p.City"]);
});

test("another name of a column: sort and conditions follow, and go with it", () => {
  const draft = draftOfView(VIEW);
  const renamed = withOutputs(
    draft,
    draft.columns.map((each) => ({ ...each, as: each.aggregate === "sum" ? "Total" : each.as })),
  );
  expect(renamed.sortBy).toEqual([{ field: "Total", order: "desc" }]);
  expect(withOutputs(draft, draft.columns.slice(0, 2)).sortBy).toEqual([]);
});

test("columns with a calculation group by the others", () => {
  const draft: ViewDraft = {
    ...newView("people"),
    name: "v",
    columns: [
      { id: -1, column: "people.City", aggregate: "", as: "" },
      { id: -2, column: "people._id", aggregate: "count", as: "" },
    ],
  };
  expect(viewBodyOf(draft, TABLES)).toMatchObject({ groupBy: ["people.City"] });
  expect(viewBodyOf({ ...draft, columns: draft.columns.slice(0, 1) }, TABLES)).toMatchObject({ groupBy: [] });
});

test("a join matches by a reference between the tables", () => {
  const { sources } = newView("people");
  const orders = { id: -1, table: "orders", as: "", kind: "inner" as const, on: [] };
  const expected = { left: "people.Name", operand: "=", right: "orders.Who" };
  expect(likelyMatch(orders, sources, TABLES)).toEqual([expected]);
  const people = { ...orders, table: "people" };
  expect(likelyMatch(people, [orders], TABLES)).toEqual([
    { left: "orders.Who", operand: "=", right: "people.Name" },
  ]);
});

test("what the form cannot show is refused", () => {
  expect(() => draftOfView({ ...VIEW, columns: ["median(people.City)"] })).toThrow("median(people.City)");
  expect(() => draftOfView({ ...VIEW, having: { not: {} } })).toThrow('the key "not"');
});
