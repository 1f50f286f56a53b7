/** Queries of rows of one table or view. */
import { queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import type { Filter, Row, SortKey } from "../../api/types";
import type { Kind } from "../tables/listed";

export interface Source {
  workspace: string;
  kind: Kind;
  name: string;
}

/** Which rows, and in which order. */
export interface Selection {
  query?: Filter;
  sort?: SortKey[];
}

export interface Page {
  rows: Row[];
  hasMore: boolean;
  nextCursor?: string;
  total?: number;
}

export type Position = { cursor: string } | { offset: number };

interface PageRequest extends Selection {
  limit: number;
  position?: Position;
  count?: "exact" | "none";
}

export async function readPage(source: Source, request: PageRequest, signal?: AbortSignal): Promise<Page> {
  const { limit, position = { offset: 0 }, count = "none", ...selection } = request;
  const { workspace, kind, name } = source;
  const query = {
    sys_limit: limit,
    ...("offset" in position && position.offset > 0 ? { sys_offset: position.offset } : {}),
  };
  const body = { ...selection, count, ...("cursor" in position ? { cursor: position.cursor } : {}) };
  const answer =
    kind === "tables"
      ? await answered(
          api.POST("/api/v1/workspaces/{workspace}/data/tables/{table}/query", {
            params: { path: { workspace, table: name }, query },
            body,
            signal,
          }),
        )
      : await answered(
          api.POST("/api/v1/workspaces/{workspace}/data/views/{view}/query", {
            params: { path: { workspace, view: name }, query },
            body,
            signal,
          }),
        );
  return {
    rows: answer.queryResult,
    hasMore: answer.hasMore,
    ...(answer.nextCursor === undefined ? {} : { nextCursor: answer.nextCursor }),
    ...(answer.total === undefined ? {} : { total: answer.total }),
  };
}

export const countQuery = (source: Source, { query }: Selection) =>
  queryOptions({
    queryKey: ["count", source.workspace, source.kind, source.name, query ?? null],
    queryFn: async ({ signal }) => {
      const page = await readPage(source, { ...(query ? { query } : {}), limit: 1, count: "exact" }, signal);
      return page.total ?? 0;
    },
  });
