import { expect, test } from "vitest";
import { docsEntries, type Entry, found } from "./entries";

function column(label: string, detail = "column of people"): Entry {
  return { group: "Columns", label, detail, to: "/" };
}

const table: Entry = { group: "Tables and views", label: "people", detail: "table", to: "/" };
const page: Entry = { group: "Pages", label: "Your account", detail: "page", words: "password", to: "/" };

test("the nearest name is first", () => {
  const columns = [column("Last_Name"), column("Name_2"), column("name"), column("Age", "column of names")];
  const [group] = found(columns, "name");
  expect(group?.entries.map(({ label }) => label)).toEqual(["name", "Name_2", "Last_Name", "Age"]);
});

test("all words must be there, in any order", () => {
  expect(found([table, column("Age")], "PEOPLE age").map(({ group }) => group)).toEqual(["Columns"]);
  expect(found([page], "password")[0]?.entries).toEqual([page]);
  expect(found([table, page], "nothing")).toEqual([]);
});

test("each group is bounded; without a text, only tables and pages are shown", () => {
  const many = Array.from({ length: 390 }, (_, at) => column(`c${at}`));
  expect(found([...many, table], "people").map(({ entries }) => entries.length)).toEqual([1, 6]);
  expect(found([...many, table, page], " ").map(({ group }) => group)).toEqual(["Tables and views", "Pages"]);
});

test("operations lead to their places in the docs", () => {
  const paths = {
    "/api/v1/x": { get: { operationId: "getX", summary: "Get X", tags: ["A tag"] }, parameters: null },
  };
  const entries = docsEntries({ tags: [{ name: "A tag" }], paths }, "/docs");
  expect(entries.map(({ label, href }) => [label, href])).toEqual([
    ["A tag", "/docs#/A%20tag"],
    ["Get X", "/docs#/A%20tag/getX"],
  ]);
});
