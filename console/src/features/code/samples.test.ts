import { expect, test } from "vitest";
import type { Column } from "../grid/columns";
import { requestOf, sampleOf } from "./requests";
import { codeOf, pythonLiteral, type Sample } from "./samples";

const column = (name: string, others: Partial<Column> = {}): Column => ({
  name,
  type: "string",
  isSystem: false,
  isRequired: false,
  isEncrypted: false,
  ...others,
});
const COLUMNS: Column[] = [
  column("Name", { isRequired: true, maxLength: 2 }),
  column("Team", { reference: { table: "teams", column: "Code" } }),
  column("Count", { type: "integer" }),
  column("_id", { isSystem: true }),
];

const SAMPLE: Sample = {
  address: "http://127.0.0.1:8080",
  method: "POST",
  path: "/api/public/tables/people/query",
  body: '{"a": "it\'s"}',
  app: { clientId: "cs-1", algorithm: "HS256", requireJti: false, audience: null, requireJwe: false },
  token: "a.b.c",
  signing: "ready",
};

test("requests have the real columns", () => {
  expect(requestOf("tables", "people", COLUMNS, "query").body).toEqual({ fields: ["Name", "Team", "Count"] });
  expect(requestOf("tables", "people", COLUMNS, "insert")).toEqual({
    method: "POST",
    path: "/api/public/tables/people",
    body: { data: { Name: "Te", Count: 1 } },
  });
  expect(requestOf("tables", "people", COLUMNS, "update").method).toBe("PUT");
  expect(requestOf("views", "adults", COLUMNS, "query").path).toBe(
    "/api/public/views/adults/query?sys_limit=10",
  );
});

test("a wide table shows some columns, and all that are required", () => {
  const wide = Array.from({ length: 390 }, (_, at) => column(`C${at}`, { isRequired: at >= 380 }));
  const { body } = requestOf("tables", "wide", wide, "insert");
  expect(Object.keys((body as { data: object }).data)).toEqual(wide.slice(380).map(({ name }) => name));
  expect(requestOf("tables", "wide", wide, "query").body).toHaveProperty("fields.length", 8);
});

test("every type has a value", () => {
  const types = ["string", "number", "integer", "decimal", "boolean", "date", "json"] as const;
  for (const type of types) expect(sampleOf(column("X", { type }))).toBeDefined();
});

test("a body is quoted for each language", () => {
  expect(codeOf("curl", SAMPLE)).toContain(`-d '{"a": "it'\\''s"}'`);
  expect(codeOf("python", SAMPLE)).toContain(`"a": "it's"`);
  expect(pythonLiteral('{"a": [true, null, 1.5, {}]}')).toBe('{\n    "a": [True, None, 1.5, {}],\n}');
  expect(pythonLiteral('{"a":9223372036854775807}')).toContain('"a": 9223372036854775807');
  expect(pythonLiteral("{")).toBe('json.loads("{")');
});

test("code never has a secret: it reads it from the environment", () => {
  const own: Sample = {
    ...SAMPLE,
    signing: "own",
    app: { ...SAMPLE.app, requireJwe: true, requireJti: true },
  };
  for (const language of ["python", "node"] as const) {
    const code = codeOf(language, own);
    expect(code).toContain("CLIENT_SECRET");
    expect(code).toContain("JWE_KEY");
    expect(code).not.toContain(own.token);
  }
});
