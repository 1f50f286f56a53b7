/** What was typed in a cell is never lost in silence. */
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { SESSION_KEY, type Session, useSession } from "../session/session";
import type { Draft } from "./values";

/** Shows what was typed if the editor goes away by itself, because its row, its column or its page is not there any
 * more; `draft` is undefined if there is nothing to lose. Returns what says that a person has closed the editor. */
export function useLostDraft(column: string, draft: Draft | undefined): () => void {
  const queries = useQueryClient();
  const { session } = useSession();
  const isSettled = useRef(false);
  const latest = useRef({ column, draft, user: session?.id });
  useEffect(() => {
    latest.current = { column, draft, user: session?.id };
  });
  useEffect(() => {
    isSettled.current = false;
    return () => {
      const { column: name, draft: lost, user } = latest.current;
      // not for somebody else who has signed in
      const isSame = queries.getQueryData<Session | null>(SESSION_KEY)?.id === user;
      if (isSettled.current || lost === undefined || !isSame) return;
      const message = `${name} was not changed to "${String(lost)}": its cell is not there any more.`;
      notifications.show({ color: "red", message, autoClose: false });
    };
  }, [queries]);
  return () => {
    isSettled.current = true;
  };
}
