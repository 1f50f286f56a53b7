import { notifications } from "@mantine/notifications";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { answered, api, onSession, sessionStarted } from "../../api/client";
import { ApiError, messageOf } from "../../api/errors";
import { SESSION_KEY as KEY, type Session, SessionContext } from "./session";
import { useOtherTabs } from "./useOtherTabs";

const RIGHTS = new Set(["session", "usable"]);

/** The session is in a cookie that scripts cannot read: the server says whose it is. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const { data, error } = useQuery({ queryKey: KEY, queryFn: current, staleTime: Infinity });
  const [isEnded, setEnded] = useState(false);
  const state = useRef<{ id: string | undefined; isEnded: boolean }>({ id: undefined, isEnded: false });
  useEffect(() => {
    state.current = { id: data?.id, isEnded };
  });

  /** What another user has loaded is forgotten; for the same one it is loaded again. */
  const set = useCallback(
    (session: Session | null) => {
      const others = {
        predicate: ({ queryKey }: { queryKey: readonly unknown[] }) => queryKey[0] !== KEY[0],
      };
      const isSame = queries.getQueryData<Session | null>(KEY)?.id === session?.id;
      if (!isSame) queries.removeQueries(others);
      queries.setQueryData(KEY, session);
      setEnded(false);
      if (session !== null) sessionStarted();
      if (isSame) void queries.invalidateQueries(others);
    },
    [queries],
  );

  const tell = useOtherTabs({
    onIn: (id) => {
      if (id === state.current.id && !state.current.isEnded) return;
      void current({}).then(set, () => undefined); // the next request says what is wrong
    },
    onOut: () => set(null),
  });
  const id = data?.id;
  useEffect(() => {
    if (id !== undefined) tell({ in: id });
  }, [id, tell]);

  useEffect(
    () => onSession("ended", () => setEnded(queries.getQueryData<Session | null>(KEY) != null)),
    [queries],
  );
  useEffect(
    () =>
      onSession("forbidden", () => {
        void queries.invalidateQueries({ predicate: ({ queryKey }) => RIGHTS.has(String(queryKey[0])) });
      }),
    [queries],
  );

  const start = useCallback(
    (session: Session) => {
      set(session);
      tell({ in: session.id });
    },
    [set, tell],
  );
  const leave = useCallback(() => set(null), [set]);
  const signOut = useCallback(async () => {
    try {
      await answered(api.DELETE("/api/v1/session"));
    } catch (error) {
      if (!(error instanceof ApiError && error.isSignedOut)) {
        notifications.show({ color: "red", message: `You are still signed in. ${messageOf(error)}` });
        return;
      }
    }
    set(null);
    tell("out");
  }, [set, tell]);

  const shared = useMemo(
    () => ({ session: data, isEnded, error, start, signOut, leave }),
    [data, isEnded, error, start, signOut, leave],
  );
  return <SessionContext value={shared}>{children}</SessionContext>;
}

async function current({ signal }: { signal?: AbortSignal }): Promise<Session | null> {
  try {
    return await answered(api.GET("/api/v1/session", signal === undefined ? {} : { signal }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}
