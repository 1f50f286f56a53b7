/** The chart that the address bar has. */
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import type { Column } from "../grid/columns";
import type { GridStateInUrl } from "../grid/useGridState";
import { type ChartPlan, readPlan, writePlan } from "./plan";
import { withoutChart } from "./saved";

/** Gives the chart to show for the newest one, which can be newer than what is shown. */
export type PlanChange = (newest: ChartPlan | undefined) => ChartPlan | undefined;

export function useChartPlan(
  columns: readonly Column[],
  edit: GridStateInUrl["edit"],
): [ChartPlan | undefined, (change: PlanChange) => void] {
  const [parameters] = useSearchParams();
  const text = parameters.get("chart");
  const plan = useMemo(() => readPlan(text, columns), [text, columns]);
  const change = useCallback(
    (wanted: PlanChange) =>
      edit((newest) => {
        const changed = wanted(readPlan(newest.get("chart"), columns));
        if (changed === undefined) return withoutChart(newest);
        const next = new URLSearchParams(newest);
        next.set("chart", writePlan(changed));
        return next;
      }),
    [edit, columns],
  );
  return [plan, change];
}
