/** Apps and their grants, and the secrets that were shown just now. */
import { type QueryClient, queryOptions, skipToken } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { readAgain } from "../../api/queries";
import type { components } from "../../api/schema";
import { all } from "../tables/queries";
import type { Credentials } from "./signing";

export type App = components["schemas"]["AppResponse"];
export type ChangedApp = components["schemas"]["ChangedAppResponse"];
export type NewApp = components["schemas"]["AppBody"];
export type AppPatch = components["schemas"]["AppPatch"];
export type Algorithm = App["algorithm"];
export type Grant = components["schemas"]["TableGrantResponse"] | components["schemas"]["ViewGrantResponse"];

export const appsQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["apps", workspace],
    queryFn: ({ signal }) =>
      all(
        (query) =>
          answered(
            api.GET("/api/v1/workspaces/{workspace}/apps", {
              params: { path: { workspace }, query },
              signal,
            }),
          ),
        (page) => page.apps,
      ),
  });

const pathOf = (workspace: string, clientId: string) => ({ params: { path: { workspace, clientId } } });

export const appGrantsQuery = (workspace: string, clientId: string) =>
  queryOptions({
    queryKey: ["app grants", workspace, clientId],
    queryFn: async ({ signal }): Promise<Grant[]> => {
      const path = "/api/v1/workspaces/{workspace}/apps/{clientId}/grants";
      const answer = await answered(api.GET(path, { ...pathOf(workspace, clientId), signal }));
      return answer.grants;
    },
  });

export function createApp(workspace: string, body: NewApp): Promise<ChangedApp> {
  const path = "/api/v1/workspaces/{workspace}/apps";
  return answered(api.POST(path, { params: { path: { workspace } }, body }));
}

export function changeApp(workspace: string, clientId: string, body: AppPatch): Promise<ChangedApp> {
  const path = "/api/v1/workspaces/{workspace}/apps/{clientId}";
  return answered(api.PATCH(path, { ...pathOf(workspace, clientId), body }));
}

export function deleteApp(workspace: string, clientId: string) {
  const path = "/api/v1/workspaces/{workspace}/apps/{clientId}";
  return answered(api.DELETE(path, pathOf(workspace, clientId)));
}

export function rotateSecret(workspace: string, clientId: string): Promise<ChangedApp> {
  const path = "/api/v1/workspaces/{workspace}/apps/{clientId}/secret";
  return answered(api.POST(path, pathOf(workspace, clientId)));
}

export function rotateJweKey(workspace: string, clientId: string): Promise<ChangedApp> {
  const path = "/api/v1/workspaces/{workspace}/apps/{clientId}/jwe-key";
  return answered(api.POST(path, pathOf(workspace, clientId)));
}

/** The new credentials of an app. They are only in the memory of the page, for some minutes: a reload, another user or
 * a sign-out removes them. */
export const shownOnceQuery = (clientId: string) =>
  queryOptions<Credentials>({
    queryKey: ["shown once", clientId],
    queryFn: skipToken,
    staleTime: Infinity,
    gcTime: 300_000,
  });

/** Takes over the app of a response, and what is shown only in that. */
export async function appChanged(queries: QueryClient, workspace: string, app: ChangedApp): Promise<void> {
  const { clientSecret, jweKey } = app;
  if (clientSecret !== undefined || jweKey !== undefined) {
    queries.setQueryData(shownOnceQuery(app.clientId).queryKey, (before) => ({
      secret: clientSecret ?? before?.secret ?? "",
      jweKey: jweKey ?? before?.jweKey ?? "",
    }));
  }
  await readAgain(queries, ["apps", workspace]);
}

export function hideSecrets(queries: QueryClient, clientId: string): void {
  queries.removeQueries({ queryKey: shownOnceQuery(clientId).queryKey });
}
