import { useEffect, useState } from "react";
import { messageOf } from "../../api/errors";
import { canSign, type Credentials, type SigningApp, signToken, TOKEN_SECONDS } from "../apps/signing";

export interface ReadyToken {
  token: string;
  /** When it ends, in milliseconds. */
  until: number;
}

interface Signed {
  of: SigningApp;
  secret: string;
  jweKey: string;
  ready: ReadyToken | undefined;
  error: string | undefined;
}

/** A token that is signed as soon as there is all that it needs; a new one at each `turn`. */
export function useToken(app: SigningApp | undefined, { secret, jweKey }: Credentials, turn: number) {
  const [signed, setSigned] = useState<Signed>();
  const isComplete = app !== undefined && secret !== "" && (!app.requireJwe || jweKey !== "");
  useEffect(() => {
    if (!isComplete || !canSign()) return;
    let isWanted = true;
    const now = Date.now();
    const set = (ready: ReadyToken | undefined, error: string | undefined) => {
      if (isWanted) setSigned({ of: app, secret, jweKey, ready, error });
    };
    signToken(app, { secret, jweKey }, now).then(
      (token) => set({ token, until: now + TOKEN_SECONDS * 1000 }, undefined),
      (error: unknown) => set(undefined, messageOf(error)),
    );
    return () => {
      isWanted = false;
    };
  }, [app, secret, jweKey, isComplete, turn]);
  const isCurrent = isComplete && signed?.of === app && signed.secret === secret && signed.jweKey === jweKey;
  return isCurrent ? { ready: signed.ready, error: signed.error } : { ready: undefined, error: undefined };
}
