import { useCallback, useLayoutEffect, useRef } from "react";

/** A function that is the same one in each render and does what the newest one does, so that components that are given
 * it need not render again. It cannot be called while rendering. */
export function useStable<A extends unknown[], R>(newest: (...given: A) => R): (...given: A) => R {
  const latest = useRef(newest);
  useLayoutEffect(() => {
    latest.current = newest;
  });
  return useCallback((...given: A) => latest.current(...given), []);
}
