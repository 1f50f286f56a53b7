/** The saved chart that the address bar has. */
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import { useSearchParams } from "react-router";
import type { Source } from "../grid/rowQueries";
import type { GridStateInUrl } from "../grid/useGridState";
import { SAVED, type SavedChart, withChart, withoutChart } from "./saved";
import { chartsQuery } from "./savedQueries";

export interface SavedCharts {
  /** All charts of the table or view. */
  charts: readonly SavedChart[];
  error: Error | null;
  /** The one that is open, also if what is shown was changed since. */
  open: SavedChart | undefined;
  /** Shows a chart with its filter and search. */
  show: (chart: SavedChart) => void;
  close: () => void;
}

const NONE: readonly SavedChart[] = [];

export function useSavedCharts(source: Source, edit: GridStateInUrl["edit"]): SavedCharts {
  const [parameters] = useSearchParams();
  const id = parameters.get(SAVED);
  const hasPlan = parameters.has("chart");
  const { data, error, isFetching } = useQuery(chartsQuery(source));
  const open = id === null ? undefined : data?.find((each) => each.id === id);
  const show = useCallback((chart: SavedChart) => edit((newest) => withChart(newest, chart)), [edit]);
  const close = useCallback(() => edit(withoutChart), [edit]);
  const isMissing = id !== null && data !== undefined && open === undefined && !isFetching;
  useEffect(() => {
    // a link has the id only
    if (open?.problem === null && !hasPlan) show(open);
  }, [open, hasPlan, show]);
  useEffect(() => {
    if (!isMissing) return;
    edit((newest) => {
      const changed = new URLSearchParams(newest);
      changed.delete(SAVED);
      return changed;
    });
    if (!hasPlan) notifications.show({ color: "red", message: "This chart was deleted, or it is private." });
  }, [isMissing, hasPlan, edit]);
  return useMemo(
    () => ({ charts: data ?? NONE, error, open, show, close }),
    [data, error, open, show, close],
  );
}
