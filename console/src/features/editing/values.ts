/** Values as they are edited: texts, or null. */
import { parseWritten } from "../../api/exactJson";
import type { Cell } from "../../api/types";
import type { Column } from "../grid/columns";
import { exactText } from "../grid/cellText";

export type Draft = string | null;

export type Parsed = { value: Cell } | { problem: string };

export function draftOfValue(value: Cell): Draft {
  return value === null || value === undefined ? null : exactText(value);
}

/** JSON is easier to edit with line breaks. */
export function draftOfCell(value: Cell, { type }: Column): Draft {
  return type === "json" && value !== null && value !== undefined
    ? JSON.stringify(value, null, 2)
    : draftOfValue(value);
}

/** What is searched in a referenced column: while the draft is what the cell has, all values are offered, so that
 * another one can be chosen at once. */
export function searchOf(draft: Draft, before: Draft | undefined): string {
  return draft === before ? "" : (draft ?? "");
}

/** The value of a draft as the API takes it. Numbers stay texts: the API reads them exactly, and checks them. */
export function parsed(draft: Draft, column: Column): Parsed {
  if (draft === null) {
    return column.isRequired
      ? { problem: `${column.name} is required, so it cannot be null.` }
      : { value: null };
  }
  switch (column.type) {
    case "string":
      return tooLong(draft, column) ?? { value: draft };
    case "boolean":
      return draft === "true" || draft === "false"
        ? { value: draft === "true" }
        : { problem: "Select true or false." };
    case "json":
      return parsedJson(draft);
    default:
      return draft.trim() === "" ? { problem: emptyProblem(column) } : { value: draft.trim() };
  }
}

function tooLong(text: string, { maxLength }: Column): Parsed | undefined {
  const length = Array.from(text).length;
  return maxLength !== undefined && length > maxLength
    ? { problem: `At most ${maxLength} characters; this text has ${length}.` }
    : undefined;
}

function parsedJson(text: string): Parsed {
  try {
    return { value: parseWritten(text) };
  } catch (error) {
    return { problem: `This is not valid JSON: ${error instanceof Error ? error.message : ""}` };
  }
}

function emptyProblem({ type, isRequired }: Column): string {
  const what = type === "date" ? "a date" : "a number";
  return isRequired ? `Enter ${what}.` : `Enter ${what}, or select null.`;
}
