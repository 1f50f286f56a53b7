/** One value for a column in all rows of a filter. */
import { answered, api } from "../../api/client";
import { ApiError } from "../../api/errors";
import { parseExact } from "../../api/exactJson";
import type { Cell, Expression, Filter, Row } from "../../api/types";
import { readPage } from "../grid/rowQueries";
import { PATH, type TablePlace } from "./changes";
import { MAX_ROWS } from "./steps";

export interface ColumnChange {
  /** undefined: all rows of the table. */
  query: Filter | undefined;
  data: Record<string, Cell>;
}

const PAGE = 100;

/** The number of rows that would change. The server checks the value, too, and stores nothing. */
export async function checkColumn(place: TablePlace, change: ColumnChange): Promise<number> {
  const body = { ...bodyOf(change), dryRun: true };
  const answer = await answered(api.PUT(PATH, { params: { path: place }, body }));
  return answer.nModified;
}

/** Other than `count` rows match now, so nothing was changed. */
export class OtherCount extends Error {
  override readonly name = "OtherCount";
}

export interface ChangedRows {
  before: Row[];
  after: Row[];
}

/** Sets the value if exactly `count` rows match, none of which has changed since it was read. The rows, so that
 * the change can be taken back; undefined if they are too many for that. */
export async function setColumn(
  place: TablePlace,
  change: ColumnChange,
  count: number,
): Promise<ChangedRows | undefined> {
  const bounds = { minAffected: count, maxAffected: count };
  try {
    if (count > MAX_ROWS) {
      const headers = { Prefer: "return=minimal" };
      await answered(
        api.PUT(PATH, { params: { path: place }, headers, body: { ...bodyOf(change), ...bounds } }),
      );
      return undefined;
    }
    const before = await readAll(place, change.query, count);
    const unchanged = { ...change, query: notAfter(change.query, before) };
    const body = { ...bodyOf(unchanged), ...bounds };
    const text = await answered(api.PUT(PATH, { params: { path: place }, body, parseAs: "text" }));
    const { records } = parseExact(text) as { records: Row[] };
    return { before, after: records };
  } catch (error) {
    if (error instanceof ApiError && error.code === "affected_out_of_bounds") {
      throw new OtherCount("The rows have changed meanwhile, so nothing was stored. Check the count again.");
    }
    throw error;
  }
}

function bodyOf({ query, data }: ColumnChange) {
  const filter =
    query === undefined ? { all: true as const } : { ...query, expressions: query.expressions ?? [] };
  return { query: filter, data };
}

async function readAll(
  { workspace, table }: TablePlace,
  query: Filter | undefined,
  count: number,
): Promise<Row[]> {
  const source = { workspace, kind: "tables", name: table } as const;
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const position = cursor === undefined ? { offset: 0 } : { cursor };
    const page = await readPage(source, { ...(query ? { query } : {}), limit: PAGE, position });
    rows.push(...page.rows);
    cursor = page.nextCursor;
  } while (cursor !== undefined && rows.length <= count);
  return rows;
}

/** The filter, only for rows that were not changed after the last of the rows that were read. */
function notAfter(query: Filter | undefined, rows: readonly Row[]): Filter {
  const last = rows.map(({ Updated_On }) => String(Updated_On)).reduce((a, b) => (a > b ? a : b), "");
  const read = { field: "Updated_On", operand: "<=" as const, value: last };
  const asked = query?.expressions?.length ? [query as Expression] : [];
  return { expressions: [...asked, ...(last === "" ? [] : [read])] };
}
