/** Sort keys, as clicks and menus change them. */
import type { SortKey } from "../../api/types";

/** The sort after a click on a column: ascending, descending, not at all. With Shift the others stay. */
export function clicked(sort: readonly SortKey[], field: string, keepsOthers: boolean): SortKey[] {
  const current = sort.find((key) => key.field === field);
  const others = keepsOthers ? sort.filter((key) => key.field !== field) : [];
  if (current === undefined) return [...others, { field, order: "asc" }];
  if (current.order === "desc") return others;
  return keepsOthers
    ? sort.map((key) => (key.field === field ? { field, order: "desc" } : key))
    : [{ field, order: "desc" }];
}

/** The sort with a key for the column, in its place if it has one, else as the last. */
export function added(sort: readonly SortKey[], field: string, order: "asc" | "desc"): SortKey[] {
  const key = { field, order };
  return sort.some((each) => each.field === field)
    ? sort.map((each) => (each.field === field ? key : each))
    : [...sort, key];
}

export function removed(sort: readonly SortKey[], field: string): SortKey[] {
  return sort.filter((key) => key.field !== field);
}
