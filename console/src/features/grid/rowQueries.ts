/** Queries of rows of one table or view. */
import { queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { parseExact } from "../../api/exactJson";
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

interface PageAnswer extends Omit<Page, "rows"> {
  queryResult: Row[];
}

export async function readPage(source: Source, request: PageRequest, signal?: AbortSignal): Promise<Page> {
  const { queryResult, ...rest } = parseExact(await readText(source, request, signal)) as PageAnswer;
  return { rows: queryResult, ...rest };
}

function readText(source: Source, request: PageRequest, signal?: AbortSignal): Promise<string> {
  const { limit, position = { offset: 0 }, count = "none", ...selection } = request;
  const hasOffset = "offset" in position && position.offset > 0;
  const query = { sys_limit: limit, ...(hasOffset ? { sys_offset: position.offset } : {}) };
  const body = { ...selection, count, ...("cursor" in position ? { cursor: position.cursor } : {}) };
  return queryText(source, query, body, signal ? { signal } : {});
}

/** The body of the response to a query, as it is; `init` is that of fetch. */
export function queryText(
  { workspace, kind, name }: Source,
  query: { sys_limit: number; sys_offset?: number },
  body: Selection & { fields?: string[]; count?: "exact" | "none"; cursor?: string },
  init: { signal?: AbortSignal; headers?: Record<string, string> },
): Promise<string> {
  const options = { body, parseAs: "text", ...init } as const;
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

export const countQuery = (source: Source, { query }: Selection) =>
  queryOptions({
    queryKey: ["count", source.workspace, source.kind, source.name, query ?? null],
    queryFn: ({ signal }) => readCount(source, query === undefined ? {} : { query }, signal),
  });

export async function readCount(source: Source, { query }: Selection, signal?: AbortSignal): Promise<number> {
  const page = await readPage(source, { ...(query ? { query } : {}), limit: 1, count: "exact" }, signal);
  return page.total ?? 0;
}
