/** Values as texts. */
import type { Cell } from "../../api/types";
import type { Column } from "./columns";

const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** The text of a value as a cell shows it: a date in the zone of the reader, JSON in one line. */
export function cellText(value: Cell, { type }: Pick<Column, "type">): string {
  if (value === null || value === undefined) return "";
  if (type === "date" && typeof value === "string") return localTime(value);
  return exactText(value);
}

/** The value exactly as the API has it. */
export function exactText(value: Cell): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

const MOST_SHOWN = 1000;

/** The start of a text: a cell has no room for more, and thousands of long texts would make a page slow. */
export function shortText(text: string): string {
  if (text.length <= MOST_SHOWN) return text;
  // not half of a character that is two units
  const end = (text.codePointAt(MOST_SHOWN - 1) ?? 0) > 0xffff ? MOST_SHOWN - 1 : MOST_SHOWN;
  return `${text.slice(0, end)}…`;
}

export function localTime(text: string): string {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : DATE_TIME.format(time);
}
