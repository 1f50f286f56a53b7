/** What a change has changed, as texts that can be compared. */
import type { components } from "../../api/schema";
import type { Row } from "../../api/types";
import { exactText } from "../grid/cellText";

type Recorded = components["schemas"]["RecordedChange"];
export type Change = Omit<Recorded, "before" | "after"> & { before: Row | null; after: Row | null };

/** A text as it was and as it is: what both have before and after the part that differs. */
export interface Difference {
  start: string;
  was: string;
  now: string;
  end: string;
}

/** Surrogates of one character are not parted. */
const isSecondHalf = (character: string | undefined) => /[\uDC00-\uDFFF]/.test(character ?? "");

export function differenceOf(before: string, after: string): Difference {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  while (start > 0 && (isSecondHalf(before[start]) || isSecondHalf(after[start]))) start -= 1;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  while (end > 0 && isSecondHalf(before[before.length - end])) end -= 1;
  return {
    start: before.slice(0, start),
    was: before.slice(start, before.length - end),
    now: after.slice(start, after.length - end),
    end: before.slice(before.length - end),
  };
}

export interface ChangedColumn {
  name: string;
  /** undefined: the row was not there. */
  before: unknown;
  after: unknown;
}

/** The columns of a change. Of an insert and a delete, those that had no value are left out. */
export function columnsOf({ before, after }: Pick<Change, "before" | "after">): ChangedColumn[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names
    .map((name) => ({ name, before: before?.[name], after: after?.[name] }))
    .filter((each) => (before !== null && after !== null) || (each.before ?? each.after ?? null) !== null);
}

/** The text of a value, which tells null and the empty text apart. */
export function shownText(value: unknown): string {
  if (value === null || value === undefined) return "null";
  return value === "" ? "empty text" : exactText(value);
}
