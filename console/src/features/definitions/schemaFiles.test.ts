import { expect, test } from "vitest";
import { countsOf, importText, schemaOf } from "./schemaFiles";

const file = (value: unknown, name = "file.json") => ({ name, text: JSON.stringify(value) });
const people = { name: "people", schemaDef: [] };
const leads = { name: "leads", table: "people", columns: ["people._id"] };
const chart = { table: "people", name: "Rows", kind: "number" };
const grant = { app: "bot", table: "people", read: true };

test("one file with everything, and the files that rowkeep schema export writes", () => {
  const whole = { tables: [people], views: [leads], grants: [grant], charts: [chart] };
  expect(schemaOf([file(whole)])).toEqual(whole);
  expect(schemaOf([file(people), file(leads), file([grant]), file([chart])])).toEqual(whole);
  expect(schemaOf([file([], "charts.json"), file([], "grants.json")])).toEqual({ charts: [], grants: [] });
  expect(schemaOf([file({ grants: null, tables: [] })])).toEqual({ tables: [] });
  expect(countsOf(whole)).toBe("1 table, 1 view, 1 grant, 1 chart");
});

test("other files are refused with their name", () => {
  expect(() => schemaOf([{ name: "a.json", text: "{" }])).toThrow("a.json is not JSON");
  expect(() => schemaOf([file({ name: "x" }, "b.json")])).toThrow("b.json has no definition");
  expect(() => schemaOf([file({ tables: {} }, "c.json")])).toThrow('c.json: "tables" must be an array');
});

test("what the files do not have is kept, except what they rename", () => {
  const present = { tables: [people, { name: "Old" }, { name: "other" }], views: [leads], grants: [grant] };
  const renamed = { name: "new", renamedFrom: "old", schemaDef: [] };
  const files = { tables: [renamed], grants: [{ ...grant, read: false }] };
  expect(JSON.parse(importText(files, present, ["tables", "views", "grants"], true))).toEqual({
    tables: [renamed, people, { name: "other" }],
    grants: [{ ...grant, read: false }],
  });
  const other = { ...chart, view: "leads", table: undefined };
  const charts = { charts: [{ ...chart, name: "ROWS" }] };
  expect(JSON.parse(importText(charts, { charts: [chart, other] }, ["charts"], true))).toEqual({
    charts: [
      { ...chart, name: "ROWS" },
      { ...chart, view: "leads", table: undefined },
    ],
  });
  expect(JSON.parse(importText(files, present, ["tables"], false))).toEqual({ tables: [renamed] });
});

test("grants and charts that are kept follow the names in the files", () => {
  const cost = { name: "Cost", renamedFrom: "price" };
  const files = {
    tables: [{ name: "persons", renamedFrom: "People", schemaDef: [cost] }],
    grants: [],
    charts: [],
  };
  const query = { not: { expressions: [{ field: "Price", operand: ">", value: "Price" }] } };
  const sums = { table: "people", name: "Sums", category: "City", value: "Price", query };
  const followed = {
    ...sums,
    table: "persons",
    value: "Cost",
    query: { not: { expressions: [{ field: "Cost", operand: ">", value: "Price" }] } },
  };
  const present = { grants: [grant], charts: [sums, { ...chart, view: "leads", table: undefined }] };
  const parts = ["tables", "grants", "charts"] as const;
  const sent = JSON.parse(importText(files, present, parts, true)) as Record<string, unknown>;
  expect(sent.grants).toEqual([{ ...grant, table: "persons" }]);
  expect(sent.charts).toEqual([followed, { view: "leads", name: "Rows", kind: "number" }]);
  // tables that are not imported have no new names
  const apart = JSON.parse(importText(files, present, ["grants", "charts"], true)) as typeof present;
  expect(apart.charts[0]).toEqual(sums);
});
