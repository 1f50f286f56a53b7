import { expect, test } from "vitest";
import { columnsOf, differenceOf, shownText } from "./differences";
import { chosen, withField } from "../filters/parameters";
import { FIELDS, historyAddress, isConfirmed, undoingOf } from "./selection";

test.each([
  ["Smith", "Smyth", ["Sm", "i", "y", "th"]],
  ["aa", "aaa", ["aa", "", "a", ""]],
  ["", "new", ["", "", "new", ""]],
  ["same", "same", ["same", "", "", ""]],
  ["x😀", "x😁", ["x", "😀", "😁", ""]],
])("the part of %j that differs from %j", (before, after, [start, was, now, end]) => {
  expect(differenceOf(before, after)).toEqual({ start, was, now, end });
});

test("an update shows the columns that it changed, an insert and a delete those with a value", () => {
  expect(columnsOf({ before: { A: null }, after: { A: "" } })).toEqual([
    { name: "A", before: null, after: "" },
  ]);
  expect(columnsOf({ before: null, after: { A: 0, B: null } })).toEqual([
    { name: "A", before: undefined, after: 0 },
  ]);
  expect(columnsOf({ before: { A: false, B: null }, after: null }).map(({ name }) => name)).toEqual(["A"]);
  expect([shownText(null), shownText(""), shownText({ a: 1 })]).toEqual(["null", "empty text", '{"a":1}']);
});

test("the address bar has the filter, which is also what is undone", () => {
  const address = historyAddress("main", { table: "people", writer: "cs-1" });
  expect(address).toBe("/w/main/history?table=people&writer=cs-1");
  const parameters = new URLSearchParams(address.split("?")[1]);
  expect(undoingOf(chosen(FIELDS, parameters))).toEqual({ app: "cs-1", tables: ["people"] });
  const other = withField(withField(parameters, "table", ""), "writer", "st-2");
  expect(undoingOf(chosen(FIELDS, other))).toEqual({ user: "st-2" });
});

test("many rows are confirmed by their number", () => {
  const counts = { nRestored: 20, nChanged: 1, nRemoved: 0 };
  expect([isConfirmed(counts, ""), isConfirmed(counts, " 21 ")]).toEqual([false, true]);
  expect(isConfirmed({ ...counts, nRestored: 0 }, "")).toBe(true);
  expect(isConfirmed({ nRestored: 0, nChanged: 0, nRemoved: 0 }, "0")).toBe(false);
});
