import { expect, test } from "vitest";
import type { Column } from "../grid/columns";
import { draftOfCell, parsed, searchOf } from "./values";

const column = (type: Column["type"], more: Partial<Column> = {}): Column => ({
  name: "c",
  type,
  isSystem: false,
  isRequired: false,
  isEncrypted: false,
  ...more,
});

test.each([
  ["string", "", ""],
  ["string", null, null],
  ["string", " a ", " a "],
  ["integer", " 9007199254740993 ", "9007199254740993"],
  ["boolean", "true", true],
  ["json", '{"a":[1,null]}', { a: [1, null] }],
  ["date", "2020-03-28T07:02:09.652Z", "2020-03-28T07:02:09.652Z"],
] as const)("a %s is read from %j", (type, draft, value) => {
  expect(parsed(draft, column(type))).toEqual({ value });
});

test.each([
  [column("number"), ""],
  [column("date"), " "],
  [column("boolean"), "maybe"],
  [column("json"), "{"],
  [column("string", { isRequired: true }), null],
  [column("string", { maxLength: 2 }), "😀😀😀"],
])("a draft that the column cannot hold", (wrong, draft) => {
  expect(parsed(draft, wrong)).toHaveProperty("problem");
});

test("characters are counted, not their parts", () => {
  expect(parsed("😀😀", column("string", { maxLength: 2 }))).toEqual({ value: "😀😀" });
});

test("null and an empty text are different", () => {
  expect(draftOfCell(null, column("string"))).toBeNull();
  expect(draftOfCell("", column("string"))).toBe("");
});

test("all values are offered until the draft differs from the cell", () => {
  expect(searchOf("Lisbon", "Lisbon")).toBe("");
  expect(searchOf(null, null)).toBe("");
  expect(searchOf("Lis", "Lisbon")).toBe("Lis");
  expect(searchOf("L", null)).toBe("L");
  expect(searchOf(null, "Lisbon")).toBe("");
  expect(searchOf("L", undefined)).toBe("L");
});
