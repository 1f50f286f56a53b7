/** Saved charts, and what of them is in the address bar. */
import { hashKey } from "@tanstack/react-query";
import type { components } from "../../api/schema";
import { type GridState, readState, writeState } from "../grid/selectionUrl";
import { type ChartPlan, writePlan } from "./plan";

type Schemas = components["schemas"];
export type SavedChart = Schemas["ChartResponse"];
export type ChartBody = Schemas["ChartBody"];
export type ChartPatch = Schemas["ChartPatch"];

/** What a chart shows: how it is drawn, and the filter and the search of its rows. */
export interface Shown {
  plan: ChartPlan;
  state: Pick<GridState, "filter" | "search">;
}

/** The parameter with the id of the saved chart that is open. */
export const SAVED = "saved";

/** The page that shows a saved chart. */
export function addressOf(workspace: string, { id, table, view }: SavedChart): string {
  const place = table === undefined ? `views/${view ?? ""}` : `tables/${table}`;
  return `/w/${workspace}/${place}?${SAVED}=${id}`;
}

/** What a saved chart shows. */
export function shownBy(chart: SavedChart): Shown {
  const { kind, category, aggregate, value, query, search } = chart;
  return {
    plan: { kind, category: category ?? "", aggregate, value: value ?? "" },
    state: { ...(query === null || "all" in query ? {} : { filter: query }), search },
  };
}

/** The same as the body of a request has it. */
export function bodyOf({ plan, state }: Shown): Omit<ChartBody, "name" | "shared"> {
  const { kind, category, aggregate, value } = plan;
  return {
    kind,
    category: kind === "number" ? null : category,
    aggregate,
    value: aggregate === "count" ? null : value,
    query: state.filter?.expressions?.length ? state.filter : null,
    search: state.search,
  };
}

export function isSame(some: Shown, other: Shown): boolean {
  return hashKey([bodyOf(some)]) === hashKey([bodyOf(other)]);
}

/** The parameters with a saved chart, its filter and its search; the sort stays. */
export function withChart(parameters: URLSearchParams, chart: SavedChart): URLSearchParams {
  const { plan, state } = shownBy(chart);
  const { sort } = readState(parameters);
  const changed = writeState(parameters, { ...state, sort });
  changed.set("chart", writePlan(plan));
  changed.set(SAVED, chart.id);
  return changed;
}

export function withoutChart(parameters: URLSearchParams): URLSearchParams {
  const changed = new URLSearchParams(parameters);
  changed.delete("chart");
  changed.delete(SAVED);
  return changed;
}

/** The messages of a refused request: that of the name is shown there. */
export function nameErrorOf(error: Error | null): { name: string | undefined; other: Error | null } {
  const problems =
    error !== null && "problem" in error ? (error.problem as { errors?: Problem[] } | undefined)?.errors : [];
  const name = problems?.find(({ pointer }) => pointer === "/name")?.msg;
  return { name, other: name === undefined ? error : null };
}

interface Problem {
  msg: string;
  pointer?: string;
}
