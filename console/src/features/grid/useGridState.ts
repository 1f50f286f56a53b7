/** The state of a grid, in the address bar. */
import { useCallback, useMemo } from "react";
import { useParameters } from "../filters/useParameters";
import { type GridState, readState, writeState } from "./selectionUrl";

type Change = Partial<GridState> | ((state: GridState) => Partial<GridState>);

export interface GridStateInUrl {
  state: GridState;
  /** Changes parts of the state. A function is given the newest state, also where it is not shown yet. */
  change: (change: Change) => void;
  /** Changes the newest parameters, also those that are not part of the state. */
  edit: (change: (parameters: URLSearchParams) => URLSearchParams) => void;
  /** Takes away filter, search and sort. */
  reset: () => void;
}

/** The filter, the search and the sort. What follows quickly on a change changes its result. */
export function useGridState(): GridStateInUrl {
  const [parameters, edit] = useParameters();
  const state = useMemo(() => readState(parameters), [parameters]);
  const change = useCallback(
    (wanted: Change) =>
      edit((newest) => {
        const current = readState(newest);
        const changed = typeof wanted === "function" ? wanted(current) : wanted;
        return writeState(newest, { ...current, ...changed });
      }),
    [edit],
  );
  const reset = useCallback(() => edit(() => new URLSearchParams()), [edit]);
  return { state, change, edit, reset };
}
