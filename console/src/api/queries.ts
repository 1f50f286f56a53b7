/** Queries whose data has changed on the server. */
import type { QueryClient, QueryKey } from "@tanstack/react-query";

/** Reads data again after it was changed. A first load that began before the change is ended: `invalidateQueries`
 * alone would wait for it, and take what it has read for new. */
export async function readAgain(queries: QueryClient, queryKey: QueryKey): Promise<void> {
  await queries.cancelQueries({ queryKey });
  await queries.invalidateQueries({ queryKey });
}
