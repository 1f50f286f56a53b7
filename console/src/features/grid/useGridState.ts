/** The state of a grid, in the address bar. */
import { useCallback, useEffect, useMemo, useRef } from "react";
import { useSearchParams } from "react-router";
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
  const [parameters, setParameters] = useSearchParams();
  const state = useMemo(() => readState(parameters), [parameters]);
  // the router shows new parameters some time after they are set
  const newest = useRef(parameters);
  useEffect(() => {
    newest.current = parameters;
  }, [parameters]);
  const set = useCallback(
    (changed: URLSearchParams) => {
      newest.current = changed;
      setParameters(changed, { replace: true });
    },
    [setParameters],
  );
  const change = useCallback(
    (wanted: Change) => {
      const current = readState(newest.current);
      const changed = typeof wanted === "function" ? wanted(current) : wanted;
      set(writeState(newest.current, { ...current, ...changed }));
    },
    [set],
  );
  const edit = useCallback(
    (wanted: (parameters: URLSearchParams) => URLSearchParams) => set(wanted(newest.current)),
    [set],
  );
  const reset = useCallback(() => set(new URLSearchParams()), [set]);
  return { state, change, edit, reset };
}
