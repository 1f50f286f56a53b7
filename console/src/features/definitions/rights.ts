/** What the signed-in user may define. */
import { useQuery } from "@tanstack/react-query";
import { sharesQuery } from "../people/shares";
import type { Kind } from "../tables/listed";

/** Whether the user may change this table or view; undefined while that is not known. Who may see its shares may. */
export function useMayManage(workspace: string, kind: Kind, name: string): boolean | undefined {
  const shares = useQuery(sharesQuery({ workspace, kind, name }));
  return shares.isPending ? undefined : shares.data !== null && shares.data !== undefined;
}
