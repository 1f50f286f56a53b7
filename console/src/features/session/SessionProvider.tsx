import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import { answered, api, authorize, onSignedOut } from "../../api/client";
import { type Credentials, type Session, SessionContext } from "./session";

/** Signs in by an admin token, which is held in the memory of the page and nowhere else. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<Session | null>(null);
  const queries = useQueryClient();

  const end = useCallback(() => {
    authorize(undefined);
    setSession(null);
    queries.clear();
  }, [queries]);

  useEffect(() => onSignedOut(end), [end]);

  const signIn = useCallback(async ({ token }: Credentials) => {
    authorize(`Bearer ${token}`);
    const current = await answered(api.GET("/api/v1/admin-tokens/current"));
    setSession({ id: current.id, name: current.name || "Administrator" });
  }, []);

  const signOut = useCallback(() => {
    end();
    return Promise.resolve();
  }, [end]);

  const state = useMemo(() => ({ session, signIn, signOut }), [session, signIn, signOut]);
  return <SessionContext value={state}>{children}</SessionContext>;
}
