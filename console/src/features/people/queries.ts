/** Users of the installation, and members of a workspace. */
import { type QueryClient, type QueryKey, queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import type { components } from "../../api/schema";
import { all } from "../tables/queries";

export type User = components["schemas"]["UserResponse"];
export type NewUser = components["schemas"]["NewUserResponse"];
export type Member = components["schemas"]["MemberResponse"];
export type Role = Member["role"];

export const ROLES: readonly { value: Role; label: string }[] = [
  { value: "viewer", label: "viewer: reads rows" },
  { value: "editor", label: "editor: changes rows" },
  { value: "manager", label: "manager: also definitions, apps and grants" },
];

export const usersQuery = () =>
  queryOptions({
    queryKey: ["users"],
    queryFn: ({ signal }) =>
      all(
        (query) => answered(api.GET("/api/v1/users", { params: { query }, signal })),
        (page) => page.users,
      ),
  });

export const addUser = (body: { name: string; email: string; admin: boolean }): Promise<NewUser> =>
  answered(api.POST("/api/v1/users", { body }));

export const membersQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["members", workspace],
    queryFn: ({ signal }) =>
      all(
        (query) =>
          answered(
            api.GET("/api/v1/workspaces/{workspace}/members", {
              params: { path: { workspace }, query },
              signal,
            }),
          ),
        (page) => page.members,
      ),
  });

/**
 * Loads a list again after a change. A first load that still runs is ended, for its answer can be older than the
 * change; invalidating alone would wait for that answer and keep it.
 */
export async function loadAgain(queries: QueryClient, queryKey: QueryKey): Promise<void> {
  await queries.cancelQueries({ queryKey });
  await queries.invalidateQueries({ queryKey });
}
