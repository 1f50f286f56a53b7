/** The rows of a chart: two columns of them, as one stream. */
import { queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { parseExact } from "../../api/exactJson";
import type { Filter, Row } from "../../api/types";
import type { Source } from "../grid/rowQueries";

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
      const text = await readLines(source, { ...(query ? { query } : {}), fields }, signal);
      const lines = text.split("\n").filter(Boolean);
      return {
        rows: lines.slice(0, MOST_ROWS).map((line) => parseExact(line) as Row),
        hasMore: lines.length > MOST_ROWS,
      };
    },
  });

function readLines(
  { workspace, kind, name }: Source,
  body: { query?: Filter; fields: string[] },
  signal: AbortSignal,
): Promise<string> {
  const options = { body, parseAs: "text", signal, headers: { Accept: "application/x-ndjson" } } as const;
  const query = { sys_limit: MOST_ROWS + 1 };
  return kind === "tables"
    ? answered(
        api.POST("/api/v1/workspaces/{workspace}/data/tables/{table}/query", {
          params: { path: { workspace, table: name }, query },
          ...options,
        }),
      )
    : answered(
        api.POST("/api/v1/workspaces/{workspace}/data/views/{view}/query", {
          params: { path: { workspace, view: name }, query },
          ...options,
        }),
      );
}
