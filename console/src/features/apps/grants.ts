/** Grants of apps as a matrix: what is stored, and what was changed but is not stored yet. */
import type { Kind } from "../tables/listed";
import type { Grant } from "./queries";

export const RIGHTS = ["read", "write", "delete"] as const;
export type Right = (typeof RIGHTS)[number];
export type Rights = Readonly<Record<Right, boolean>>;

/** A table or view. */
export interface Thing {
  kind: Kind;
  name: string;
}

export const NO_RIGHTS: Rights = { read: false, write: false, delete: false };

/** One app and one table or view. */
export interface Place {
  clientId: string;
  thing: Thing;
}

export const keyOf = ({ clientId, thing }: Place): string => `${clientId} ${thing.kind} ${thing.name}`;

/** Grants by place. */
export type Granted = ReadonlyMap<string, Rights>;

export function granted(grants: readonly Grant[]): Granted {
  return new Map(
    grants.map((each) => {
      const thing: Thing =
        "view" in each ? { kind: "views", name: each.view } : { kind: "tables", name: each.table };
      const { read, write, delete: remove } = each;
      return [keyOf({ clientId: each.clientId, thing }), { read, write, delete: remove }];
    }),
  );
}

export interface Change extends Place {
  rights: Partial<Rights>;
}

/** Changes by place; each differs from what is stored. */
export type Changes = ReadonlyMap<string, Change>;

/** Views can only be read. */
export function rightsOf({ kind }: Thing): readonly Right[] {
  return kind === "views" ? ["read"] : RIGHTS;
}

export function isAllowed(stored: Granted, changes: Changes, place: Place, right: Right): boolean {
  const key = keyOf(place);
  return changes.get(key)?.rights[right] ?? stored.get(key)?.[right] ?? false;
}

/** The changes, with one right of some places set to a value. */
export function withRight(
  stored: Granted,
  changes: Changes,
  places: readonly Place[],
  right: Right,
  value: boolean,
): Changes {
  const next = new Map(changes);
  for (const place of places.filter(({ thing }) => rightsOf(thing).includes(right))) {
    const key = keyOf(place);
    const others = Object.entries(next.get(key)?.rights ?? {}).filter(([name]) => name !== right);
    const isStored = (stored.get(key)?.[right] ?? false) === value;
    const rights: Partial<Rights> = {
      ...Object.fromEntries(others),
      ...(isStored ? {} : { [right]: value }),
    };
    if (Object.keys(rights).length === 0) next.delete(key);
    else next.set(key, { ...place, rights });
  }
  return next;
}

/** A change in words. */
export function textOf({ thing, rights }: Change): string {
  const named = (value: boolean) => RIGHTS.filter((right) => rights[right] === value).join(", ");
  const parts = [
    named(true) === "" ? "" : `may ${named(true)}`,
    named(false) === "" ? "" : `may no longer ${named(false)}`,
  ];
  return `${thing.name}: ${parts.filter(Boolean).join("; ")}`;
}
