/** Changes of single rows. A row that somebody else has changed since it was read is never overwritten unseen. */
import { answered, api, writtenOnce } from "../../api/client";
import { ApiError } from "../../api/errors";
import { parseExact } from "../../api/exactJson";
import type { Cell, Row } from "../../api/types";
import { readPage } from "../grid/rowQueries";
import { thisVersion } from "./batches";
import { holds } from "./steps";

export interface TablePlace {
  workspace: string;
  table: string;
}

/** What happened: the row as it is now, or, in a conflict, the row of somebody else; null if it is gone. */
export type Outcome = { saved: Row } | { conflict: Row | null };

export const PATH = "/api/v1/workspaces/{workspace}/data/tables/{table}";

export async function updateRow(
  place: TablePlace,
  row: Row,
  data: Readonly<Record<string, Cell>>,
): Promise<Outcome> {
  const body = { ...thisVersion(row), data };
  try {
    const text = await writtenOnce(row, body, (key) => {
      const params = { path: place, header: { "Idempotency-Key": key } };
      return answered(api.PUT(PATH, { params, body, parseAs: "text" }));
    });
    const { records } = parseExact(text) as { records?: Row[] };
    return { saved: records?.[0] ?? { ...row, ...data } };
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "affected_out_of_bounds") throw error;
    const conflict = await readRow(place, String(row._id));
    return conflict !== null && holds(conflict, data) ? { saved: conflict } : { conflict };
  }
}

/** `form` is what the row is for: the same row of the same form is added once. */
export async function insertRow(place: TablePlace, data: Record<string, Cell>, form: object): Promise<Row> {
  const text = await writtenOnce(form, data, (key) => {
    const params = { path: place, header: { "Idempotency-Key": key } };
    return answered(api.POST(PATH, { params, body: { data }, parseAs: "text" }));
  });
  return parseExact(text) as Row;
}

/** A row as it is now; null if it does not exist. */
export async function readRow(
  { workspace, table }: TablePlace,
  id: string,
  signal?: AbortSignal,
): Promise<Row | null> {
  const query = { expressions: [{ field: "_id", operand: "=" as const, value: id }] };
  const page = await readPage({ workspace, kind: "tables", name: table }, { query, limit: 1 }, signal);
  return page.rows[0] ?? null;
}
