/** Stores changed grants. */
import { answered, api } from "../../api/client";
import { messageOf } from "../../api/errors";
import { type Change, type Changes, type Granted, granted, keyOf, NO_RIGHTS, type Rights } from "./grants";
import type { Grant } from "./queries";

export interface Failure {
  change: Change;
  message: string;
}

/** Reads the grants of an app as they are now. */
export type ReadGrants = (clientId: string) => Promise<Grant[]>;
export type StoreGrant = (change: Change, rights: Rights) => Promise<unknown>;

/** Stores the changes one after the other. Rights that somebody else has changed meanwhile, and that are not in the
 * changes, stay. Returns what was refused. */
export async function storeChanges(
  changes: Changes,
  read: ReadGrants,
  store: StoreGrant,
  onProgress: (done: number) => void,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  const known = new Map<string, Granted>();
  let done = 0;
  for (const change of changes.values()) {
    const { clientId } = change;
    try {
      const current = known.get(clientId) ?? granted(await read(clientId));
      known.set(clientId, current);
      await store(change, { ...(current.get(keyOf(change)) ?? NO_RIGHTS), ...change.rights });
    } catch (error) {
      failures.push({ change, message: messageOf(error) });
    }
    done += 1;
    onProgress(done);
  }
  return failures;
}

export function setGrant(workspace: string, { clientId, thing }: Change, body: Rights) {
  return thing.kind === "tables"
    ? answered(
        api.PUT("/api/v1/workspaces/{workspace}/tables/{table}/grants/{clientId}", {
          params: { path: { workspace, table: thing.name, clientId } },
          body,
        }),
      )
    : answered(
        api.PUT("/api/v1/workspaces/{workspace}/views/{view}/grants/{clientId}", {
          params: { path: { workspace, view: thing.name, clientId } },
          body,
        }),
      );
}
