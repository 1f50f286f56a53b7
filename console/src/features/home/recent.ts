/** Which tables and views somebody has used last in this browser. */
import { useEffect } from "react";
import { useSession } from "../session/session";
import type { Kind } from "../tables/listed";

const MOST = 50;

interface Named {
  kind: Kind;
  name: string;
}

export function recentKey(user: string, workspace: string): string {
  return `rowkeep.recent.${user}.${workspace}`;
}

/** The stored list, the last used first, without what is not valid in it. */
export function readRecent(text: string | null): string[] {
  if (text === null) return [];
  try {
    const stored: unknown = JSON.parse(text);
    return Array.isArray(stored) ? stored.filter((each) => typeof each === "string").slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export function withUse(recent: readonly string[], used: Named): string[] {
  const key = keyOf(used);
  return [key, ...recent.filter((each) => each !== key)].slice(0, MOST);
}

/** The last used first, then all others in their order. */
export function byUse<T extends Named>(all: readonly T[], recent: readonly string[]): T[] {
  const places = new Map(recent.map((key, at) => [key, at]));
  const place = (each: T) => places.get(keyOf(each)) ?? MOST;
  return all.toSorted((a, b) => place(a) - place(b));
}

function keyOf({ kind, name }: Named): string {
  return `${kind}/${name}`;
}

/** Stores that this table or view is used now. */
export function useRecordUse({ workspace, kind, name }: Named & { workspace: string }): void {
  const { session } = useSession();
  const user = session?.id;
  useEffect(() => {
    if (user === undefined) return;
    const key = recentKey(user, workspace);
    localStorage.setItem(key, JSON.stringify(withUse(readRecent(localStorage.getItem(key)), { kind, name })));
  }, [user, workspace, kind, name]);
}
