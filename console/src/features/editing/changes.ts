/** Changes of rows. A row that somebody else has changed since it was read is never overwritten unseen. */
import { answered, api } from "../../api/client";
import { ApiError } from "../../api/errors";
import { parseExact } from "../../api/exactJson";
import type { Cell, Comparison, Row } from "../../api/types";
import { readPage } from "../grid/rowQueries";

export interface TablePlace {
  workspace: string;
  table: string;
}

/** What happened: the row as it is now, or, in a conflict, the row of somebody else; null if it is gone. */
export type Outcome = { saved: Row } | { conflict: Row | null };

const PATH = "/api/v1/workspaces/{workspace}/data/tables/{table}";

/** Exactly the version of a row that was read. */
function thisVersion(row: Row) {
  const equal = (field: string): Comparison => ({ field, operand: "=", value: String(row[field]) });
  return { query: { expressions: [equal("_id"), equal("Updated_On")] }, minAffected: 1 };
}

export async function updateRow(place: TablePlace, row: Row, data: Record<string, Cell>): Promise<Outcome> {
  try {
    const text = await answered(
      api.PUT(PATH, { params: { path: place }, body: { ...thisVersion(row), data }, parseAs: "text" }),
    );
    const { records } = parseExact(text) as { records?: Row[] };
    return { saved: records?.[0] ?? { ...row, ...data } };
  } catch (error) {
    return conflictOf(error, place, row);
  }
}

/** Deletes this version of a row: undefined if it is done, else the row of somebody else, or null. */
export async function deleteRow(place: TablePlace, row: Row): Promise<Row | null | undefined> {
  try {
    await answered(api.POST(`${PATH}/delete`, { params: { path: place }, body: thisVersion(row) }));
    return undefined;
  } catch (error) {
    const outcome = await conflictOf(error, place, row);
    return "conflict" in outcome ? outcome.conflict : undefined;
  }
}

export async function insertRow(place: TablePlace, data: Record<string, Cell>): Promise<void> {
  await answered(
    api.POST(PATH, {
      params: { path: place },
      headers: { Prefer: "return=minimal" },
      body: { data },
    }),
  );
}

async function conflictOf(error: unknown, { workspace, table }: TablePlace, row: Row): Promise<Outcome> {
  if (!(error instanceof ApiError) || error.code !== "affected_out_of_bounds") throw error;
  const query = { expressions: [{ field: "_id", operand: "=" as const, value: String(row._id) }] };
  const page = await readPage({ workspace, kind: "tables", name: table }, { query, limit: 1 });
  return { conflict: page.rows[0] ?? null };
}
