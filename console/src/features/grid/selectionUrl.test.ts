import { expect, test } from "vitest";
import { readState, selectionOf, writeState } from "./selectionUrl";

const parametersOf = (filter: string) => new URLSearchParams({ filter });

test("a filter of the address is the same for the server, to the last digit", () => {
  const filter = '{"expressions":[{"field":"Big","operand":"=","value":9007199254740993}]}';
  const state = readState(parametersOf(filter));
  expect(state.isDamaged).toBeUndefined();
  expect(JSON.stringify(selectionOf(state, []).query?.expressions)).toBe(`[${filter}]`);
  expect(writeState(new URLSearchParams(), state).get("filter")).toBe(filter);
});

test.each([
  '{"expressions":[{"fie',
  "7",
  "null",
  "[]",
  '{"all":true}',
  '{"expressions":{}}',
  '{"expressions":[null]}',
  '{"expressions":["Big"]}',
  '{"expressions":[{"not":1}]}',
  '{"expressions":[{"not":{"expressions":7}}]}',
  `${'{"expressions":['.repeat(9000)}1${"]}".repeat(9000)}`,
])("a damaged filter is none, and the page says so: %.40s", (text) => {
  expect(readState(parametersOf(text))).toEqual({ isDamaged: true, search: "", sort: [] });
  expect(writeState(parametersOf(text), readState(parametersOf(text))).has("filter")).toBe(false);
});

test("no filter is not a damaged one", () => {
  expect(readState(new URLSearchParams("filter=&sort=-A,B"))).toEqual({
    search: "",
    sort: [
      { field: "A", order: "desc" },
      { field: "B", order: "asc" },
    ],
  });
});
