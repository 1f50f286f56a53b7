import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useMemo } from "react";
import { answered, api, onSignedOut } from "../../api/client";
import { ApiError } from "../../api/errors";
import { type Session, SessionContext } from "./session";

const KEY = ["session"];

/** The session is in a cookie that scripts cannot read: the server says whose it is. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const { data, error } = useQuery({ queryKey: KEY, queryFn: current, staleTime: Infinity });

  /** What the former user has loaded is forgotten. */
  const set = useCallback(
    (session: Session | null) => {
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
      queries.setQueryData(KEY, session);
    },
    [queries],
  );
  const end = useCallback(() => set(null), [set]);

  useEffect(() => onSignedOut(end), [end]);

  const signOut = useCallback(async () => {
    await answered(api.DELETE("/api/v1/session"));
    end();
  }, [end]);

  const state = useMemo(() => ({ session: data, error, start: set, signOut }), [data, error, set, signOut]);
  return <SessionContext value={state}>{children}</SessionContext>;
}

async function current({ signal }: { signal: AbortSignal }): Promise<Session | null> {
  try {
    return await answered(api.GET("/api/v1/session", { signal }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}
