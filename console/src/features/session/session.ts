/** Who is signed in. Pages know only this interface, whatever way of signing in is behind it. */
import { createContext, useContext } from "react";

export interface Session {
  /** A stable id: settings of the browser are stored for it. */
  id: string;
  name: string;
}

export interface SessionState {
  /** undefined: not known yet; null: nobody is signed in. */
  session: Session | null | undefined;
  signIn: (credentials: Credentials) => Promise<void>;
  signOut: () => Promise<void>;
}

export interface Credentials {
  token: string;
}

export const SessionContext = createContext<SessionState | undefined>(undefined);

export function useSession(): SessionState {
  const state = useContext(SessionContext);
  if (state === undefined) throw new Error("useSession needs a SessionProvider.");
  return state;
}
