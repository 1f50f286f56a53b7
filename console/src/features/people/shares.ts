/** The owner and the shares of a table or view. */
import { queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { ApiError } from "../../api/errors";
import type { components } from "../../api/schema";
import type { Source } from "../grid/rowQueries";

export type Share = components["schemas"]["ShareResponse"];
export type Right = Share["right"];

export const keyOf = ({ workspace, kind, name }: Source) => ["shares", workspace, kind, name];

/** The owner and the shares; null for people who may not see them. */
export const sharesQuery = (source: Source) =>
  queryOptions({
    queryKey: keyOf(source),
    queryFn: async ({ signal }) => {
      const { workspace, kind, name } = source;
      try {
        return kind === "tables"
          ? await answered(
              api.GET("/api/v1/workspaces/{workspace}/tables/{table}/shares", {
                params: { path: { workspace, table: name } },
                signal,
              }),
              { mayBeForbidden: true },
            )
          : await answered(
              api.GET("/api/v1/workspaces/{workspace}/views/{view}/shares", {
                params: { path: { workspace, view: name } },
                signal,
              }),
              { mayBeForbidden: true },
            );
      } catch (error) {
        if (error instanceof ApiError && error.status === 403) return null;
        throw error;
      }
    },
  });

export function setShare({ workspace, kind, name }: Source, user: string, right: Right) {
  return kind === "tables"
    ? answered(
        api.PUT("/api/v1/workspaces/{workspace}/tables/{table}/shares/{user}", {
          params: { path: { workspace, table: name, user } },
          body: { right },
        }),
      )
    : answered(
        api.PUT("/api/v1/workspaces/{workspace}/views/{view}/shares/{user}", {
          params: { path: { workspace, view: name, user } },
          body: { right },
        }),
      );
}

export function removeShare({ workspace, kind, name }: Source, user: string) {
  return kind === "tables"
    ? answered(
        api.DELETE("/api/v1/workspaces/{workspace}/tables/{table}/shares/{user}", {
          params: { path: { workspace, table: name, user } },
        }),
      )
    : answered(
        api.DELETE("/api/v1/workspaces/{workspace}/views/{view}/shares/{user}", {
          params: { path: { workspace, view: name, user } },
        }),
      );
}

export type NewOwner = components["schemas"]["NewOwnerResponse"];

/** Gives a table or view to a user. With `along`, what belongs to it too; with `dryRun`, only says what that is. */
export function setOwner(
  { workspace, kind, name }: Source,
  body: { user: string; along: boolean },
  dryRun: boolean,
): Promise<NewOwner> {
  const query = { dryRun };
  return kind === "tables"
    ? answered(
        api.PUT("/api/v1/workspaces/{workspace}/tables/{table}/owner", {
          params: { path: { workspace, table: name }, query },
          body,
        }),
      )
    : answered(
        api.PUT("/api/v1/workspaces/{workspace}/views/{view}/owner", {
          params: { path: { workspace, view: name }, query },
          body,
        }),
      );
}
