/** What the server refuses in a definition, and where. */
import { ApiError, hintOf, messageOf } from "../../api/errors";
import type { components } from "../../api/schema";

export type Sample = components["schemas"]["SampledRow"];

export interface Problem {
  text: string;
  /** A JSON Pointer into the definition. */
  pointer: string;
  /** Rows that do not fit, and how many there are. */
  rows: Sample[];
  count: number;
}

export function problemsOf(error: unknown): Problem[] {
  const found = error instanceof ApiError ? (error.problem?.errors ?? []) : [];
  if (!(error instanceof ApiError) || found.length === 0)
    return [{ text: messageOf(error), pointer: "", rows: [], count: 0 }];
  return found.map(({ msg, pointer = "", sample = [], count = 0 }) => ({
    text: msg + hintOf(error.code),
    pointer,
    rows: sample,
    count,
  }));
}

export function isChangedMeanwhile(error: unknown): boolean {
  return error instanceof ApiError && error.code === "definition_changed";
}

/** The problems of the entries of a list by their position, as one text each. */
export function problemsAt(problems: readonly Problem[], list: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const { pointer, text } of problems) {
    const at = new RegExp(`^/${list}/(\\d+)(?:/|$)`).exec(pointer)?.[1];
    if (at === undefined) continue;
    const before = found.get(Number(at));
    found.set(Number(at), before === undefined ? text : `${before} ${text}`);
  }
  return found;
}

/** The text of the problem of one field. */
export function problemOf(problems: readonly Problem[], pointer: string): string | undefined {
  return problems.find((each) => each.pointer === pointer)?.text;
}
