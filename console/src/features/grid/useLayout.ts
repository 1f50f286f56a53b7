import { useCallback, useMemo, useSyncExternalStore } from "react";
import { type Layout, readLayout } from "./layout";

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

/** The layout that is stored under a key in this browser, and how to change it. */
export function useLayout(key: string): [Layout, (layout: Layout) => void] {
  const text = useSyncExternalStore(subscribe, () => localStorage.getItem(key));
  const layout = useMemo(() => readLayout(text), [text]);
  const set = useCallback(
    (changed: Layout) => {
      localStorage.setItem(key, JSON.stringify(changed));
      for (const listener of listeners) listener();
    },
    [key],
  );
  return [layout, set];
}
