import { expect, test } from "vitest";
import type { Column } from "../grid/columns";
import type { CellRange } from "../grid/range";
import { isHeader, pasted, pastedHeight, planOf, stepsOf } from "./paste";

const column = (name: string, type: Column["type"], more: Partial<Column> = {}): Column => ({
  name,
  type,
  isSystem: false,
  isRequired: false,
  isEncrypted: false,
  ...more,
});
const NAME = column("Name", "string");
const AGE = column("Age", "integer");
const ID = column("_id", "string", { isSystem: true });
const COLUMNS = [NAME, AGE, ID];
const range = (firstRow: number, lastRow: number, firstColumn: number, lastColumn: number): CellRange => ({
  firstRow,
  lastRow,
  firstColumn,
  lastColumn,
  isRows: false,
});
const ROWS = [
  { _id: "a", Name: "Ada", Age: 1 },
  { _id: "b", Name: null, Age: 2 },
];

test("only what changes is sent; what is below the last row is new", () => {
  const target = { columns: COLUMNS, range: range(0, 0, 1, 1), mode: "change" as const, hasHeader: false };
  const plan = planOf(
    [
      ["Ada", "7"],
      ["", "2"],
      ["Eve", null],
    ],
    { ...target, rows: ROWS },
  );
  expect(plan).toMatchObject({ changedCells: 2, changedRows: 2, newRows: 1, problems: 0, notes: [] });
  expect(stepsOf(plan)).toEqual([
    { kind: "update", row: ROWS[0], data: { Age: "7" } },
    { kind: "update", row: ROWS[1], data: { Name: "" } },
    { kind: "insert", data: { Name: "Eve" } },
  ]);
});

test("one field fills the selection, one line the selected rows", () => {
  const target = { columns: COLUMNS, mode: "change" as const, hasHeader: false, rows: ROWS };
  const one = planOf([["5"]], { ...target, range: range(0, 1, 2, 2) });
  expect(stepsOf(one).map((step) => "data" in step && step.data)).toEqual([{ Age: "5" }, { Age: "5" }]);
  const line = planOf([["x", "5"]], { ...target, range: range(0, 1, 1, 1) });
  expect(line.changedCells).toBe(4);
  const all = { columns: COLUMNS, range: range(0, 999_999, 1, 1), hasHeader: false };
  expect(pastedHeight([["5"]], { ...all, mode: "change" })).toBe(1_000_000);
  expect(pastedHeight([["5"]], { ...all, mode: "add" })).toBe(1);
});

test("columns are found by a header; system columns are left out", () => {
  const lines = [
    ["_id", "age", "NAME"],
    ["x", "3", "Eve"],
  ];
  expect(isHeader(lines[0], COLUMNS)).toBe(true);
  expect(isHeader(["Age", "other"], COLUMNS)).toBe(false);
  const target = { columns: COLUMNS, range: undefined, mode: "add" as const, hasHeader: true, rows: [] };
  const plan = planOf(lines, target);
  expect(stepsOf(plan)).toEqual([{ kind: "insert", data: { Age: "3", Name: "Eve" } }]);
  expect(plan.notes.join()).toContain("_id");
});

test("fields right of the last column are left out, with a note", () => {
  const target = { columns: [NAME], range: range(0, 0, 1, 1), mode: "change" as const, hasHeader: false };
  const plan = planOf([["x", "y"]], { ...target, rows: ROWS });
  expect(plan.changedCells).toBe(1);
  expect(plan.notes).toHaveLength(1);
});

test.each([
  ["boolean", "TRUE", true],
  ["number", " 1.5 ", "1.5"],
  ["integer", "9223372036854775807", "9223372036854775807"],
  ["decimal", "0.10", "0.10"],
  ["date", "2020-03-28", "2020-03-28"],
  ["date", "2020-03-28T07:02:09.652Z", "2020-03-28T07:02:09.652Z"],
  ["date", "2020-03-28 07:02", new Date("2020-03-28T07:02").toISOString()],
  ["json", '{"a":1}', { a: 1 }],
  ["string", " padded ", " padded "],
  ["integer", null, null],
] as const)("a %s is pasted from %j", (type, field, value) => {
  expect(pasted(field, column("c", type))).toEqual({ value });
});

test.each([
  ["number", "1,234.5"],
  ["integer", "soon"],
  ["date", "28/03/2020"],
  ["date", "2021-02-30 07:02"],
  ["date", "2021-02-29T07:02:09"],
  ["date", "2021-13-01 07:02"],
  ["boolean", "maybe"],
  ["json", "{"],
] as const)("a %s cannot be pasted from %j", (type, field) => {
  expect(pasted(field, column("c", type))).toHaveProperty("problem");
});
