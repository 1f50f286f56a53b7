/** Recorded operations and changes, and their undo. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { answered, api, newKey, untilAnswered } from "../../api/client";
import { parseExact } from "../../api/exactJson";
import type { components } from "../../api/schema";
import type { Change } from "./differences";
import type { Selection, Undoing } from "./selection";

type Schemas = components["schemas"];
export type Operation = Schemas["OperationResponse"];
export type OperationTable = Schemas["OperationTableResponse"];
export type Undone = Schemas["UndoResponse"];
export type Conflicts = "fail" | "skip" | "force";

const OPERATIONS = 50;

export const operationsQuery = (workspace: string, selection: Selection) =>
  infiniteQueryOptions({
    queryKey: ["operations", workspace, selection],
    retry: false,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) =>
      answered(
        api.GET("/api/v1/workspaces/{workspace}/operations", {
          params: {
            path: { workspace },
            query: { ...selection, limit: OPERATIONS, ...(cursor === undefined ? {} : { cursor }) },
          },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.nextCursor,
  });

interface Page {
  changes: Change[];
  nextCursor: string;
  hasMore: boolean;
}

/** How many changes of an operation are shown in each table. */
export const CHANGES = 100;

/** The first changes of an operation in a table, which are next to each other in the feed. */
export const changesQuery = (workspace: string, operation: string, { table, cursor }: OperationTable) =>
  queryOptions({
    queryKey: ["changes", workspace, table, operation, cursor],
    retry: false,
    queryFn: async ({ signal }) => {
      const text = await answered(
        api.GET("/api/v1/workspaces/{workspace}/data/tables/{table}/changes", {
          params: { path: { workspace, table }, query: { after: cursor, limit: CHANGES } },
          parseAs: "text",
          signal,
        }),
      );
      const { changes } = parseExact(text) as Page;
      return changes.filter((each) => each.operation === operation);
    },
  });

const PAGE = 1000;
const MAX_PAGES = 5;

/** The changes of a row, the newest first; `isCut` if it has more than can be shown. */
export const rowChangesQuery = (workspace: string, table: string, rowId: string) =>
  queryOptions({
    queryKey: ["changes", workspace, table, "row", rowId],
    retry: false,
    queryFn: async ({ signal }) => {
      const changes: Change[] = [];
      let after: string | undefined;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const text = await answered(
          api.GET("/api/v1/workspaces/{workspace}/data/tables/{table}/rows/{rowId}/changes", {
            params: {
              path: { workspace, table, rowId },
              query: { limit: PAGE, ...(after === undefined ? {} : { after }) },
            },
            parseAs: "text",
            signal,
          }),
        );
        const found = parseExact(text) as Page;
        changes.push(...found.changes);
        after = found.nextCursor;
        if (!found.hasMore) return { changes: changes.reverse(), isCut: false };
      }
      return { changes: changes.reverse(), isCut: true };
    },
  });

const UNDO = "/api/v1/workspaces/{workspace}/undo";

/** What an undo would do. Conflicts are listed, not refused. */
export const previewQuery = (workspace: string, undoing: Undoing, conflicts: "skip" | "force") =>
  queryOptions({
    queryKey: ["undo preview", workspace, undoing, conflicts],
    retry: false,
    gcTime: 0,
    queryFn: ({ signal }) =>
      answered(
        api.POST(UNDO, {
          params: { path: { workspace } },
          body: { ...undoing, conflicts, dryRun: true },
          signal,
        }),
        { mayBeForbidden: true },
      ),
  });

/** Undoes once, also if the response is lost and the request is sent again. */
export async function undo(workspace: string, undoing: Undoing, conflicts: Conflicts) {
  const params = { path: { workspace }, header: { "Idempotency-Key": newKey() } };
  return untilAnswered(async () => {
    const call = api.POST(UNDO, { params, body: { ...undoing, conflicts } });
    const undone: Undone = await answered(call, { mayBeForbidden: true });
    return { undone, operation: (await call).response.headers.get("Operation-Id") };
  });
}
