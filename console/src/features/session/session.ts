/** Who is signed in. */
import { createContext, useContext } from "react";
import type { components } from "../../api/schema";

export type Session = components["schemas"]["SessionResponse"];

/** Where the cache has the session. */
export const SESSION_KEY = ["session"];

export interface SessionState {
  /** undefined: not known yet; null: nobody is signed in. */
  session: Session | null | undefined;
  /** Whether it has ended while its pages are open: they stay, and the user signs in again. */
  isEnded: boolean;
  /** Why it is not known, if the server does not respond. */
  error: Error | null;
  /** Takes over a session that the server has started. */
  start: (session: Session) => void;
  /** Says so if the server does not end the session. */
  signOut: () => Promise<void>;
  /** Closes the pages of a session that has ended. */
  leave: () => void;
}

export const SessionContext = createContext<SessionState | undefined>(undefined);

export function useSession(): SessionState {
  const state = useContext(SessionContext);
  if (state === undefined) throw new Error("useSession needs a SessionProvider.");
  return state;
}
