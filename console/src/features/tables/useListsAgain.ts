import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError, hintOf } from "../../api/errors";

const LISTS = new Set(["tables", "views", "usable"]);

/** If the error says that a table or view is missing, the lists of them are read again when they are shown next: they
 * are stored for a moment, and may still have its former name. */
export function useListsAgain(error: Error | null): void {
  const queries = useQueryClient();
  const isMissing = error instanceof ApiError && hintOf(error.code) !== "";
  useEffect(() => {
    if (!isMissing) return;
    void queries.invalidateQueries({
      predicate: ({ queryKey: [first] }) => LISTS.has(String(first)),
      refetchType: "none",
    });
  }, [isMissing, queries]);
}
