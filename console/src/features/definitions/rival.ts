/** A change of somebody else that was found when one's own was sent. */
import type { Loaded } from "./api";
import { differences, merged } from "./merge";
import type { Content } from "./useEditor";

export interface Rival<T> {
  theirs: Loaded<T>;
  /** What they changed, one line each. */
  differences: string[];
  /** Both changes together, and what both changed in a different way. */
  definition: object;
  conflicts: string[];
}

export function rivalOf<T extends object>(base: T, mine: Content, theirs: Loaded<T>): Rival<T> {
  return {
    theirs,
    differences: differences(members(base), members(theirs.definition)),
    ...merged(members(base), mine.value, members(theirs.definition)),
  };
}

function members(definition: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(definition));
}
