import { useEffect, useMemo, useSyncExternalStore } from "react";
import { onSession } from "../../api/client";
import { parseExact } from "../../api/exactJson";
import { readCount, readPage, type Selection, type Source } from "./rowQueries";
import { RowStore } from "./rowStore";

/** A store for the rows of a selection; another selection has another store. */
export function useRowStore(source: Source, selection: Selection): RowStore {
  const key = JSON.stringify([source, selection]);
  const store = useMemo(() => {
    const [from, selected] = parseExact(key) as [Source, Selection];
    return new RowStore({
      page: (limit, position, signal) => readPage(from, { ...selected, limit, position }, signal),
      count: (signal) => readCount(from, selected, signal),
    });
  }, [key]);
  useEffect(() => {
    store.start();
    return () => store.stop();
  }, [store]);
  useEffect(() => onSession("started", () => store.retry()), [store]);
  useSyncExternalStore(store.subscribe, store.getVersion);
  return store;
}
