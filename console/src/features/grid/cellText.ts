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

export function localTime(text: string): string {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : DATE_TIME.format(time);
}
