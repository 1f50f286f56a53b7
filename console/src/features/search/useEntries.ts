import { queryOptions, skipToken, useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answered, api } from "../../api/client";
import { API_ADDRESS } from "../../app/place";
import { addressOf } from "../charts/saved";
import { allChartsQuery } from "../charts/savedQueries";
import { byUse, readRecent, recentKey } from "../home/recent";
import { usersQuery } from "../people/queries";
import { useSession } from "../session/session";
import { listed } from "../tables/listed";
import { all, tablesQuery, usableQuery, viewsQuery } from "../tables/queries";
import { docsEntries, type Entry } from "./entries";
import { hasPage, pageEntries } from "./pages";

const appsQuery = (workspace: string, mayRead: boolean) =>
  queryOptions({
    queryKey: ["apps", workspace],
    queryFn: mayRead
      ? ({ signal }) =>
          all(
            (query) =>
              answered(
                api.GET("/api/v1/workspaces/{workspace}/apps", {
                  params: { path: { workspace }, query },
                  signal,
                }),
              ),
            (page) => page.apps,
          )
      : skipToken,
  });

const docsQuery = () =>
  queryOptions({
    queryKey: ["api docs"],
    staleTime: Infinity,
    queryFn: async ({ signal }) => {
      const response = await fetch(`${API_ADDRESS}/openapi.json`, { signal });
      if (!response.ok) return [];
      const document = (await response.json()) as Parameters<typeof docsEntries>[0];
      return docsEntries(document, `${API_ADDRESS}/docs`);
    },
  });

/** All that the user may see and go to. What is not loaded yet is missing. */
export function useEntries(workspace: string): { entries: Entry[]; isLoading: boolean } {
  const { session } = useSession();
  const role = session?.workspaces.find(({ name }) => name === workspace)?.role ?? null;
  const isAdmin = session?.admin === true;
  const isManager = isAdmin || role === "manager";
  const user = session?.id ?? "";
  const [tables, views] = useQueries({
    queries: [tablesQuery(workspace, "all"), viewsQuery(workspace, "all")],
  });
  const usable = useQuery(usableQuery(workspace));
  const apps = useQuery(appsQuery(workspace, isManager && hasPage(`/w/${workspace}/apps/an-app`)));
  const users = useQuery({ ...usersQuery(), enabled: isAdmin });
  const docs = useQuery(docsQuery());
  const charts = useQuery(allChartsQuery(workspace));
  const entries = useMemo((): Entry[] => {
    const base = `/w/${workspace}`;
    const recent = readRecent(localStorage.getItem(recentKey(user, workspace)));
    const names = byUse(listed(tables.data ?? [], views.data ?? []), recent);
    const columns = [
      ...(tables.data ?? []).map(({ name, schemaDef }) => ({ kind: "tables", name, columns: schemaDef })),
      ...[...(usable.data?.values() ?? [])]
        .filter(({ kind }) => kind === "view")
        .map(({ name, columns: own }) => ({ kind: "views", name, columns: own })),
    ];
    return [
      ...names.map(({ kind, name, description }): Entry => ({
        group: "Tables and views",
        label: name,
        detail: `${kind === "views" ? "view" : "table"}${description === "" ? "" : ` – ${description}`}`,
        to: `${base}/${kind}/${name}`,
      })),
      ...pageEntries(workspace, {
        anyone: true,
        member: isAdmin || role !== null,
        manager: isManager,
        admin: isAdmin,
      }),
      ...(charts.data ?? []).map((chart): Entry => ({
        group: "Charts",
        label: chart.name,
        detail: `chart of ${chart.table ?? chart.view ?? ""}`,
        to: addressOf(workspace, chart),
      })),
      ...columns.flatMap(({ kind, name, columns: own }) =>
        own.map((column): Entry => ({
          group: "Columns",
          label: column.name,
          detail: `column of ${name}`,
          to: `${base}/${kind}/${name}`,
        })),
      ),
      ...(apps.data ?? []).map(({ name, clientId }): Entry => ({
        group: "Apps",
        label: name,
        detail: clientId,
        to: `${base}/apps/${encodeURIComponent(clientId)}`,
      })),
      ...(users.data ?? []).map(({ name, email }): Entry => ({
        group: "Users",
        label: name,
        detail: email,
        to: `${base}/users`,
      })),
      ...(docs.data ?? []),
    ];
  }, [
    workspace,
    user,
    role,
    isAdmin,
    isManager,
    tables.data,
    views.data,
    usable.data,
    apps.data,
    users.data,
    docs.data,
    charts.data,
  ]);
  return { entries, isLoading: [tables, views, usable, docs].some(({ isPending }) => isPending) };
}
