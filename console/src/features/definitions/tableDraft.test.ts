import { expect, test } from "vitest";
import {
  bodyOf,
  columnSummary,
  draftOfJson,
  draftOfTable,
  newColumn,
  referable,
  renameColumn,
  type TableDefinition,
  withType,
} from "./tableDraft";

const column = (name: string, more: object = {}) => ({
  name,
  type: "string" as const,
  isRequired: false,
  isEncrypted: false,
  reference: {},
  maxLength: "" as const,
  default: "",
  ...more,
});
const TABLE: TableDefinition = {
  name: "people",
  description: "All",
  schemaDef: [
    column("Code", { isRequired: true, maxLength: 20, default: "x" }),
    column("Boss", { reference: { table: "people", column: "Code" } }),
    column("Data", { type: "json", default: { a: [1] } }),
    column("Secret", { isEncrypted: true }),
    column("Active", { type: "boolean", default: false }),
    column("Count", { type: "integer", default: -1 }),
    column("Price", { type: "decimal", default: "1.50" }),
  ],
  indexes: [{ name: "by_code", isUnique: true, columns: [{ name: "Code", order: "desc" }] }],
  retention: { column: "Created_On", days: 30 },
};

test("a definition stays the same when it is edited without a change", () => {
  expect(bodyOf(draftOfTable(TABLE))).toEqual(TABLE);
  // also what the form does not know
  const newer = { ...TABLE, schemaDef: [column("Code", { comment: "x" })], extra: 1 };
  expect(bodyOf(draftOfTable(newer))).toEqual(newer);
  const recorded = { ...TABLE, history: { keepDays: 30 } };
  expect(bodyOf(draftOfJson(recorded, TABLE))).toEqual(recorded);
});

test("a name that changes is a rename, and what names the column follows", () => {
  const draft = draftOfTable(TABLE);
  const renamed = renameColumn(draft, draft.columns[0]?.id ?? 0, "Number");
  const body = bodyOf({ ...renamed, name: "humans" }) as Record<string, unknown> & TableDefinition;
  expect(body.renamedFrom).toBe("people");
  expect(body.schemaDef[0]).toMatchObject({ name: "Number", renamedFrom: "Code" });
  expect(body.schemaDef[1]?.reference).toEqual({ table: "people", column: "Number" });
  expect(body.schemaDef[1]).not.toHaveProperty("renamedFrom");
  expect(body.indexes[0]?.columns).toEqual([{ name: "Number", order: "desc" }]);
  // another case is no rename: names are the same regardless of case
  expect(bodyOf(renameColumn(draft, draft.columns[0]?.id ?? 0, "CODE"))).not.toHaveProperty(
    "schemaDef.0.renamedFrom",
  );
});

test("a new column with the name of another is not followed", () => {
  const added = { ...newColumn(), name: "Code" };
  const draft = draftOfTable(TABLE);
  const both = { ...draft, columns: [...draft.columns, added] };
  expect(renameColumn(both, added.id, "Other").indexes[0]?.columns[0]?.name).toBe("Code");
});

test("JSON with what the form cannot show is refused, not cut", () => {
  expect(() => draftOfJson({ ...TABLE, retention: { after: 1 } })).toThrow('the key "after"');
  expect(() => draftOfJson({ schemaDef: [{ name: "A", type: "text" }] })).toThrow('unknown type "text"');
  expect(() => draftOfJson({ name: "t" })).toThrow("schemaDef must be an array");
  expect(() => draftOfJson([])).toThrow("must be an object");
  expect(() => draftOfJson({ name: 1, schemaDef: [] })).toThrow("name must be a text; got 1.");
});

test("JSON of other systems: unset keys, system columns, lengths as texts, former names", () => {
  const draft = draftOfJson(
    {
      name: "people",
      schemaDef: [
        { name: "_id", type: "string", readOnly: true },
        { name: "Number", type: "string", renamedFrom: "code", maxLength: "30", default: null },
      ],
      indexes: {},
    },
    TABLE,
  );
  expect(draft.columns).toHaveLength(1);
  expect(draft.columns[0]).toMatchObject({ was: "Code", name: "Number", maxLength: "30", default: "" });
  expect(bodyOf(draft)).toMatchObject({ schemaDef: [{ renamedFrom: "Code", maxLength: 30 }] });
});

test("a default of a json column is JSON", () => {
  const draft = draftOfTable(TABLE);
  const wrong = draft.columns.map((each) => (each.name === "Data" ? { ...each, default: "{" } : each));
  expect(() => bodyOf({ ...draft, columns: wrong })).toThrow('must be JSON; got "{".');
});

test("what a column can refer to", () => {
  expect(referable(TABLE, "string")).toEqual(["Code", "_id", "sys_Id"]);
  expect(referable(TABLE, "integer")).toEqual([]);
});

test("a column in a few words", () => {
  const [code, boss] = draftOfTable(TABLE).columns;
  expect(code && columnSummary(code)).toBe("string, required, at most 20 characters, default x");
  expect(boss && columnSummary({ ...boss, name: "Lead" })).toBe(
    "string, refers to people.Code, renamed from Boss",
  );
  expect(code && columnSummary(withType(code, "date"))).toBe("date, required");
});
