/** What administrators see of the installation. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import type { components } from "../../api/schema";
import { all } from "../tables/queries";
import type { AuditSelection } from "./auditSelection";

type Schemas = components["schemas"];
export type AdminToken = Schemas["AdminTokenResponse"];
export type NewAdminToken = Schemas["NewAdminTokenResponse"];
export type About = Schemas["AboutResponse"];
export type AuditEntry = Schemas["AuditEntryResponse"];

export const adminTokensQuery = () =>
  queryOptions({
    queryKey: ["admin tokens"],
    queryFn: ({ signal }) =>
      all(
        (query) => answered(api.GET("/api/v1/admin-tokens", { params: { query }, signal })),
        (page) => page.adminTokens,
      ),
  });

export const createAdminToken = (name: string): Promise<NewAdminToken> =>
  answered(api.POST("/api/v1/admin-tokens", { body: { name } }));

export const deleteAdminToken = (id: string) =>
  answered(api.DELETE("/api/v1/admin-tokens/{id}", { params: { path: { id } } }));

export const aboutQuery = () =>
  queryOptions({
    queryKey: ["about"],
    queryFn: ({ signal }) => answered(api.GET("/api/v1/about", { signal })),
  });

export const storageQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["storage", workspace],
    staleTime: 60_000,
    queryFn: ({ signal }) =>
      answered(
        api.GET("/api/v1/workspaces/{workspace}/storage", { params: { path: { workspace } }, signal }),
      ),
  });

const PAGE = 100;

export const auditQuery = (selection: AuditSelection) =>
  infiniteQueryOptions({
    queryKey: ["audit", selection],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) =>
      answered(
        api.GET("/api/v1/audit", {
          params: { query: { ...selection, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.nextCursor,
  });
