// Uses the types that openapi-typescript made, as a typed call with fetch would.
import type { components, operations, paths } from "./api";

type Query = components["schemas"]["QueryBody"];
type Found = paths["/api/public/tables/{table}/query"]["post"]["responses"][200]["content"]["application/json"];
type Refused = operations["queryRows"]["responses"][404]["content"]["application/problem+json"];

const body: Query = {
  query: { expressions: [{ field: "Number", operand: ">=", value: 36 }], operator: "and" },
  sort: [{ field: "Number", order: "desc" }],
  fields: ["First_Name"],
};

const definition: components["schemas"]["TableBody"] = {
  name: "people",
  schemaDef: [{ name: "First_Name", type: "string", isRequired: true, maxLength: "" }],
};

// @ts-expect-error an operand that there is not
const wrong: Query = { query: { expressions: [{ field: "Number", operand: "~", value: 1 }] } };

export function names(found: Found): unknown[] {
  return found.queryResult.map((row) => row["First_Name"]);
}

export function isMissing(problem: Refused): boolean {
  return problem.code === "no_such_table";
}

export const sent: unknown[] = [body, definition, wrong];
