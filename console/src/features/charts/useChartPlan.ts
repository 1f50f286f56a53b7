/** The chart that the address bar has. */
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import type { Column } from "../grid/columns";
import { type ChartPlan, readPlan, writePlan } from "./plan";

export function useChartPlan(
  columns: readonly Column[],
): [ChartPlan | undefined, (plan: ChartPlan | undefined) => void] {
  const [parameters, setParameters] = useSearchParams();
  const text = parameters.get("chart");
  const plan = useMemo(() => readPlan(text, columns), [text, columns]);
  const set = useCallback(
    (changed: ChartPlan | undefined) => {
      setParameters(
        (current) => {
          const next = new URLSearchParams(current);
          if (changed === undefined) next.delete("chart");
          else next.set("chart", writePlan(changed));
          return next;
        },
        { replace: true },
      );
    },
    [setParameters],
  );
  return [plan, set];
}
