/** The rows of a chart: two columns of them, as one stream. */
import { queryOptions } from "@tanstack/react-query";
import { parseExact } from "../../api/exactJson";
import type { Filter, Row } from "../../api/types";
import { queryText, type Source } from "../grid/rowQueries";

export const MOST_ROWS = 50_000;

export interface ChartRows {
  rows: Row[];
  /** Whether there are more than were read. */
  hasMore: boolean;
}

export const chartRowsQuery = (source: Source, query: Filter | undefined, fields: string[]) =>
  queryOptions({
    queryKey: ["chart", source.workspace, source.kind, source.name, query ?? null, fields],
    queryFn: async ({ signal }): Promise<ChartRows> => {
      const body = { ...(query ? { query } : {}), fields };
      const headers = { Accept: "application/x-ndjson" };
      const text = await queryText(source, { sys_limit: MOST_ROWS + 1 }, body, { signal, headers });
      const lines = text.split("\n").filter(Boolean);
      return {
        rows: lines.slice(0, MOST_ROWS).map((line) => parseExact(line) as Row),
        hasMore: lines.length > MOST_ROWS,
      };
    },
  });
