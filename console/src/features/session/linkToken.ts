import { useState } from "react";

/** The secret of a one-time link. It is in the fragment of the address, which is removed at once. */
export function useLinkToken(): string {
  const [token] = useState(taken);
  return token;
}

let token: string | undefined;

/** Taken once for a page: React may ask twice. */
function taken(): string {
  const { hash, pathname, search } = window.location;
  if (hash.length > 1) {
    token = decoded(hash.slice(1));
    window.history.replaceState(window.history.state, "", pathname + search);
  }
  return token ?? "";
}

/** A damaged link has a token that the server refuses. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
