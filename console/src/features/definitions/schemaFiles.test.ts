import { expect, test } from "vitest";
import { countsOf, importText, schemaOf } from "./schemaFiles";

const file = (value: unknown, name = "file.json") => ({ name, text: JSON.stringify(value) });
const people = { name: "people", schemaDef: [] };
const leads = { name: "leads", table: "people", columns: ["people._id"] };
const grant = { app: "bot", table: "people", read: true };

test("one file with everything, and the files that rowkeep schema export writes", () => {
  const whole = { tables: [people], views: [leads], grants: [grant] };
  expect(schemaOf([file(whole)])).toEqual(whole);
  expect(schemaOf([file(people), file(leads), file([grant])])).toEqual(whole);
  expect(schemaOf([file({ grants: null, tables: [] })])).toEqual({ tables: [] });
  expect(countsOf(whole)).toBe("1 table, 1 view, 1 grant");
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
  expect(JSON.parse(importText(files, present, ["tables"], false))).toEqual({ tables: [renamed] });
});
