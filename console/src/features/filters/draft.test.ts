import { expect, test } from "vitest";
import type { Filter } from "../../api/types";
import type { Column } from "../grid/columns";
import { changed, countOf, draftOf, filterOf, newJunction, valuesFor } from "./draft";
import { operandsFor, OPERATORS } from "./operators";

const column = (name: string, type: Column["type"], isEncrypted = false): Column => ({
  name,
  type,
  isSystem: false,
  isRequired: false,
  isEncrypted,
});
const COLUMNS = [column("Name", "string"), column("Age", "integer"), column("Active", "boolean")];

test("a filter stays the same when it is edited without a change", () => {
  const filter: Filter = {
    operator: "or",
    expressions: [
      { field: "Name", operand: "=", value: null },
      { field: "Name", operand: "in", value: ["a", "", null] },
      { field: "Active", operand: "!=", value: true },
      { not: { field: "Age", operand: "between", value: ["1", "9007199254740993"] } },
      { not: { operator: "and", expressions: [{ field: "Age", operand: "is null" }] } },
      { operator: "and", expressions: [{ not: { field: "Name", operand: "iends with", value: "x" } }] },
    ],
  };
  expect(filterOf(draftOf(filter), COLUMNS)).toEqual(filter);
  expect(countOf(filter)).toBe(6);
});

test("empty groups and empty filters are left out", () => {
  expect(filterOf(newJunction([newJunction([])]), COLUMNS)).toBeUndefined();
  expect(filterOf(draftOf(undefined), COLUMNS)).toBeUndefined();
});

test("a negated filter as a whole", () => {
  const draft = { ...draftOf({ expressions: [{ field: "Age", operand: "is null" }] }), isNegated: true };
  expect(filterOf(draft, COLUMNS)).toEqual({
    expressions: [{ not: { operator: "and", expressions: [{ field: "Age", operand: "is null" }] } }],
  });
});

test("parts are changed and removed at any depth", () => {
  const draft = newJunction([
    newJunction([draftOf({ expressions: [{ field: "Age", operand: "is null" }] })]),
  ]);
  const inner = (draft.items[0] as typeof draft).items[0] as typeof draft;
  const id = inner.items[0]?.id ?? 0;
  const after = changed(draft, id, (item) => ({ ...item, isNegated: true }));
  expect(JSON.stringify(filterOf(after, COLUMNS))).toContain('{"not":{"field":"Age","operand":"is null"}}');
  expect(
    filterOf(
      changed(draft, id, () => null),
      COLUMNS,
    ),
  ).toBeUndefined();
});

test("operands fit the column", () => {
  expect(operandsFor(column("a", "json"))).toEqual(["is null", "is not null"]);
  expect(operandsFor(column("a", "boolean"))).toEqual(["=", "!=", "in", "not in", "is null", "is not null"]);
  expect(operandsFor(column("a", "string", true))).not.toContain("contains");
  expect(operandsFor(column("a", "string"))).toHaveLength(Object.keys(OPERATORS).length);
  expect(operandsFor(column("a", "date"))).toContain("between");
});

test("values follow the operand", () => {
  expect(valuesFor("is null", ["a"])).toEqual([]);
  expect(valuesFor("between", ["a"])).toEqual(["a", ""]);
  expect(valuesFor("in", ["a", null])).toEqual(["a", null]);
  expect(valuesFor("=", [])).toEqual([""]);
  expect(valuesFor("=", [null])).toEqual([null]);
  expect(valuesFor("<", [null])).toEqual([""]);
});

test.each(Object.entries(OPERATORS))(
  "a condition with %s gives the filter of the API",
  (operand, { takes }) => {
    const value = { nothing: undefined, one: "7", pair: ["1", "3"], list: ["1", "3"] }[takes];
    const expression = { field: "Name", operand, ...(value !== undefined && { value }) };
    const filter = { operator: "and", expressions: [expression] } as Filter;
    expect(filterOf(draftOf(filter), COLUMNS)).toEqual(filter);
  },
);
