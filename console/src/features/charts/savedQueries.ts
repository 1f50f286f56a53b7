/** Saved charts, read and changed. */
import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { readAgain } from "../../api/queries";
import type { Source } from "../grid/rowQueries";
import { all } from "../tables/queries";
import type { ChartBody, ChartPatch, SavedChart } from "./saved";

const ONE = "/api/v1/workspaces/{workspace}/charts/{chart}";

/** All charts of a workspace that the user sees. */
export const allChartsQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["charts", workspace, "all"],
    queryFn: ({ signal }) =>
      all(
        (query) =>
          answered(
            api.GET("/api/v1/workspaces/{workspace}/charts", {
              params: { path: { workspace }, query },
              signal,
            }),
          ),
        (page) => byName(page.charts),
      ),
  });

/** The charts of one table or view that the user sees, by name. */
export const chartsQuery = ({ workspace, kind, name }: Source) =>
  queryOptions({
    queryKey: ["charts", workspace, kind, name],
    queryFn: async ({ signal }): Promise<SavedChart[]> =>
      byName(
        await all(
          (query) =>
            kind === "tables"
              ? answered(
                  api.GET("/api/v1/workspaces/{workspace}/tables/{table}/charts", {
                    params: { path: { workspace, table: name }, query },
                    signal,
                  }),
                )
              : answered(
                  api.GET("/api/v1/workspaces/{workspace}/views/{view}/charts", {
                    params: { path: { workspace, view: name }, query },
                    signal,
                  }),
                ),
          (page) => page.charts,
        ),
      ),
  });

function byName(charts: readonly SavedChart[]): SavedChart[] {
  return charts.toSorted((a, b) => a.name.localeCompare(b.name));
}

export function saveChart({ workspace, kind, name }: Source, body: ChartBody): Promise<SavedChart> {
  return kind === "tables"
    ? answered(
        api.POST("/api/v1/workspaces/{workspace}/tables/{table}/charts", {
          params: { path: { workspace, table: name } },
          body,
        }),
      )
    : answered(
        api.POST("/api/v1/workspaces/{workspace}/views/{view}/charts", {
          params: { path: { workspace, view: name } },
          body,
        }),
      );
}

export function changeChart(workspace: string, chart: string, body: ChartPatch): Promise<SavedChart> {
  return answered(api.PATCH(ONE, { params: { path: { workspace, chart } }, body }));
}

export function deleteChart(workspace: string, chart: string) {
  return answered(api.DELETE(ONE, { params: { path: { workspace, chart } } }));
}

/** Reads all lists of charts of a workspace again. */
export function chartsChanged(queries: QueryClient, workspace: string): Promise<void> {
  return readAgain(queries, ["charts", workspace]);
}
