/** What the caller can do with a table or view that is opened now. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { tableNamed } from "./listed";
import { usableQuery } from "./queries";

/** The list of tables and views, and the one with this name in any case. The list is stored for a moment: if it does
 * not have the name, because the table was created or shared elsewhere meanwhile, it is read again first. */
export function useUsable(workspace: string, name: string, isEnabled = true) {
  const [openedOn] = useState(() => Date.now());
  const { data, dataUpdatedAt, error, refetch } = useQuery({ ...usableQuery(workspace), enabled: isEnabled });
  const found = data === undefined ? undefined : tableNamed(data, name);
  const isOld = isEnabled && data !== undefined && found === undefined && dataUpdatedAt < openedOn;
  useEffect(() => {
    if (isOld) void refetch();
  }, [isOld, refetch]);
  return { data: isOld ? undefined : data, found, error, refetch };
}
