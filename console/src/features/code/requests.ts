/** Requests of the Data API, with the real columns of a table or view. */
import type { Column } from "../grid/columns";
import type { Kind } from "../tables/listed";

export type Operation = "query" | "insert" | "update" | "delete";

export const OPERATIONS: Record<Operation, { label: string; needs: string }> = {
  query: { label: "Query rows", needs: "read" },
  insert: { label: "Insert a row", needs: "write" },
  update: { label: "Update a row", needs: "read and write" },
  delete: { label: "Delete a row", needs: "read and delete" },
};

/** A view can only be queried. */
export function operationsOf(kind: Kind): Operation[] {
  return kind === "views" ? ["query"] : ["query", "insert", "update", "delete"];
}

export interface DataRequest {
  method: string;
  /** From the address of the API on. */
  path: string;
  body: object;
}

const SHOWN = 8;
const ROW = "PUT-THE-ID-OF-A-ROW-HERE";

export function requestOf(
  kind: Kind,
  name: string,
  columns: readonly Column[],
  operation: Operation,
): DataRequest {
  const path = `/api/public/${kind}/${name}`;
  const query = { expressions: [{ field: "_id", operand: "=", value: ROW }] };
  switch (operation) {
    case "query": {
      const fields = own(columns)
        .slice(0, SHOWN)
        .map((column) => column.name);
      return {
        method: "POST",
        path: `${path}/query?sys_limit=10`,
        body: fields.length > 0 ? { fields } : {},
      };
    }
    case "insert":
      return { method: "POST", path, body: { data: dataOf(written(columns)) } };
    case "update":
      return { method: "PUT", path, body: { query, data: dataOf(written(columns).slice(0, 2)) } };
    case "delete":
      return { method: "POST", path: `${path}/delete`, body: { query } };
  }
}

function own(columns: readonly Column[]): Column[] {
  return columns.filter(({ isSystem }) => !isSystem);
}

/** The required columns, and some others. An optional reference needs a row that is not known here. */
function written(columns: readonly Column[]): Column[] {
  const all = own(columns);
  const required = all.filter(({ isRequired }) => isRequired);
  const others = all.filter(({ isRequired, reference }) => !isRequired && reference === undefined);
  const chosen = new Set([...required, ...others.slice(0, Math.max(SHOWN - required.length, 0))]);
  return all.filter((column) => chosen.has(column));
}

function dataOf(columns: readonly Column[]): Record<string, unknown> {
  return Object.fromEntries(columns.map((column) => [column.name, sampleOf(column)]));
}

/** A value that the column takes. */
export function sampleOf({ type, maxLength }: Column): unknown {
  switch (type) {
    case "string":
      return "Text".slice(0, maxLength ?? 4);
    case "number":
      return 1.5;
    case "integer":
      return 1;
    case "decimal":
      return "1.50";
    case "boolean":
      return true;
    case "date":
      return "2026-01-31T12:00:00Z";
    case "json":
      return { key: "value" };
  }
}
