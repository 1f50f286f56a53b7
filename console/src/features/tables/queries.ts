/** Lists of workspaces, tables and views. Lists of the API are paged: these read all pages. */
import { queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import type { Table, View } from "../../api/types";

const LIMIT = 1000;

interface Page {
  limit: number;
  cursor?: string;
}

export async function all<T, P extends { nextCursor?: string }>(
  read: (page: Page) => Promise<P>,
  items: (page: P) => T[],
): Promise<T[]> {
  const found: T[] = [];
  let page: Page = { limit: LIMIT };
  for (;;) {
    const answer = await read(page);
    found.push(...items(answer));
    if (answer.nextCursor === undefined) return found;
    page = { limit: LIMIT, cursor: answer.nextCursor };
  }
}

export const workspacesQuery = () =>
  queryOptions({
    queryKey: ["workspaces"],
    queryFn: ({ signal }) =>
      all(
        (query) => answered(api.GET("/api/v1/workspaces", { params: { query }, signal })),
        (page) => page.workspaces,
      ),
  });

/** Whose tables and views: the user's own, those that others share with the user, or all that are visible. */
export type Whose = "mine" | "shared" | "all";

export const tablesQuery = (workspace: string, list: Whose) =>
  queryOptions({
    queryKey: ["tables", workspace, "list", list],
    queryFn: ({ signal }): Promise<Table[]> =>
      all(
        (query) =>
          answered(
            api.GET("/api/v1/workspaces/{workspace}/tables", {
              params: { path: { workspace }, query: { ...query, list } },
              signal,
            }),
          ),
        (page) => page.tables,
      ),
  });

export type TableSize = NonNullable<Table["size"]>;

/** The sizes of tables by name. They are read after the list itself, which must not wait for them. */
export const sizesQuery = (workspace: string, list: Whose) =>
  queryOptions({
    queryKey: ["sizes", workspace, list],
    queryFn: async ({ signal }): Promise<Map<string, TableSize>> => {
      const tables = await all(
        (query) =>
          answered(
            api.GET("/api/v1/workspaces/{workspace}/tables", {
              params: { path: { workspace }, query: { ...query, list, sizes: true } },
              signal,
            }),
          ),
        (page) => page.tables,
      );
      return new Map(tables.flatMap(({ name, size }) => (size === undefined ? [] : [[name, size] as const])));
    },
  });

export const viewsQuery = (workspace: string, list: Whose) =>
  queryOptions({
    queryKey: ["views", workspace, "list", list],
    queryFn: ({ signal }): Promise<View[]> =>
      all(
        (query) =>
          answered(
            api.GET("/api/v1/workspaces/{workspace}/views", {
              params: { path: { workspace }, query: { ...query, list } },
              signal,
            }),
          ),
        (page) => page.views,
      ),
  });

export const tableQuery = (workspace: string, table: string) =>
  queryOptions({
    queryKey: ["tables", workspace, "one", table],
    queryFn: ({ signal }) =>
      answered(
        api.GET("/api/v1/workspaces/{workspace}/tables/{table}", {
          params: { path: { workspace, table } },
          signal,
        }),
      ),
  });

/** The names of the ids in Created_By and Updated_By. */
export const writersQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["writers", workspace],
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const writers = await all(
        (query) =>
          answered(
            api.GET("/api/v1/workspaces/{workspace}/writers", {
              params: { path: { workspace }, query },
              signal,
            }),
          ),
        (page) => page.writers,
      );
      return new Map(writers.map((each) => [each.id, each]));
    },
  });

/** What the caller can use, by name: tables and views, with the types of their columns and the rights. */
export const usableQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["usable", workspace],
    queryFn: async ({ signal }) => {
      const answer = await answered(
        api.GET("/api/v1/workspaces/{workspace}/data/tables", { params: { path: { workspace } }, signal }),
      );
      return new Map(answer.tables.map((each) => [each.name, each]));
    },
  });
