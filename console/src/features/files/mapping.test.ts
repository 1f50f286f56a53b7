import { expect, test } from "vitest";
import { columnsOf, definitionOf, forNewTable, forTable, type Mapped, problemOf } from "./mapping";
import type { Inspected } from "./requests";

const inspected: Inspected = {
  detected: { format: "csv" },
  sheets: [],
  columns: [
    { label: "#1", name: "First Name", proposed: "First_Name" },
    { label: "#2", name: "Price/Earnings", proposed: "Price_Earnings" },
    { label: "#3", name: "_id", proposed: "id" },
  ],
  rows: [],
  rowsSeen: 2,
  isWhole: true,
  nUnreadable: 0,
  unreadable: [],
  definition: {
    name: "stocks",
    schemaDef: [
      { name: "First_Name", type: "string", isRequired: true, maxLength: 16 },
      { name: "Price_Earnings", type: "number" },
      { name: "id", type: "integer" },
    ],
    indexes: [{ name: "by_First_Name", isUnique: true, columns: [{ name: "First_Name" }] }],
  } as unknown as Inspected["definition"],
  dateFormats: [],
  notes: [],
};

/** The mapping with changes by the places of columns. */
function changed(...changes: Partial<Mapped>[]): Mapped[] {
  return forNewTable(inspected).map((column, at) => ({ ...column, ...changes[at] }));
}

const OUT = { isTaken: false };

test("columns go to those with the same name, and others are left out", () => {
  const mapped = forTable(inspected, ["PRICE EARNINGS", "firstname", "id"]);
  expect(columnsOf(mapped)).toEqual([
    { label: "#1", column: "firstname" },
    { label: "#2", column: "PRICE EARNINGS" },
    { label: "#3", column: null },
  ]);
  expect(problemOf(mapped)).toBeUndefined();
});

test("an equal name is found before one that only looks alike", () => {
  const columns = ["Item 1", "item1", "ITEM_1"].map((name, at) => ({
    label: `#${at + 1}`,
    name,
    proposed: `Item_1_${at + 1}`,
  }));
  const mapped = forTable({ ...inspected, columns }, ["item_1", "Item1", "item1"]);
  expect(columnsOf(mapped).map(({ column }) => column)).toEqual(["Item1", "item1", "item_1"]);
  expect(problemOf(mapped, ["item_1", "Item1", "item1"])).toBeUndefined();
});

test("two columns cannot go to one, and one column is the least", () => {
  expect(problemOf(changed({}, { name: "first name" }))).toContain("the same column");
  expect(problemOf(changed({ name: " " }))).toContain("needs a name");
  expect(problemOf(changed({}, OUT, OUT), ["Name"])).toContain("has no column");
  expect(problemOf(changed(OUT, OUT, OUT))).toContain("No column");
});

test("a definition has what was proposed for columns whose type is unchanged", () => {
  expect(definitionOf("t", inspected, changed({ name: "Name" }, {}, OUT))).toEqual({
    name: "t",
    schemaDef: [
      { name: "Name", type: "string", isRequired: true, maxLength: 16 },
      { name: "Price_Earnings", type: "number" },
    ],
    indexes: [{ name: "by_First_Name", isUnique: true, columns: [{ name: "Name" }] }],
  });
  const other = definitionOf("t", inspected, changed({ type: "json" }));
  expect(other.schemaDef[0]).toEqual({ name: "First_Name", type: "json" });
  expect(other.indexes).toEqual([]);
});
