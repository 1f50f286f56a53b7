/** The filter, search and sort of a grid in the address bar, so that a link shows the same rows. */
import { parseExact } from "../../api/exactJson";
import type { Expression, Filter, SortKey } from "../../api/types";
import { type Column, isText } from "./columns";
import type { Selection } from "./rowQueries";

export interface GridState {
  filter?: Filter;
  /** Whether the address has a filter that cannot be read, so that it has none. */
  isDamaged?: boolean;
  search: string;
  sort: SortKey[];
}

export function readState(parameters: URLSearchParams): GridState {
  const text = parameters.get("filter");
  const filter = readFilter(text);
  return {
    ...(filter ? { filter } : {}),
    ...(text && !filter ? { isDamaged: true } : {}),
    search: parameters.get("search") ?? "",
    sort: readSort(parameters.get("sort") ?? ""),
  };
}

/** The parameters for a state; others stay as they are. */
export function writeState(parameters: URLSearchParams, state: GridState): URLSearchParams {
  const changed = new URLSearchParams(parameters);
  const values = {
    filter: state.filter?.expressions?.length ? JSON.stringify(state.filter) : "",
    search: state.search,
    sort: state.sort.map(({ field, order }) => (order === "desc" ? `-${field}` : field)).join(","),
  };
  for (const [name, value] of Object.entries(values)) {
    if (value === "") changed.delete(name);
    else changed.set(name, value);
  }
  return changed;
}

function readFilter(text: string | null): Filter | undefined {
  if (text === null) return undefined;
  try {
    const value = parseExact(text);
    return isFilter(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it looks like a filter; the server checks what its comparisons have. */
function isFilter(value: unknown): value is Filter {
  return (
    typeof value === "object" &&
    value !== null &&
    "expressions" in value &&
    Array.isArray(value.expressions) &&
    value.expressions.every(isExpression)
  );
}

function isExpression(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if ("not" in value) return isExpression(value.not);
  return !("expressions" in value) || isFilter(value);
}

function readSort(text: string): SortKey[] {
  return text
    .split(",")
    .filter(Boolean)
    .map((key) =>
      key.startsWith("-") ? { field: key.slice(1), order: "desc" } : { field: key, order: "asc" },
    );
}

/** What the server is asked for. The search matches rows of which a text column contains the text. */
export function selectionOf(state: GridState, columns: readonly Column[]): Selection {
  const expressions: Expression[] = [];
  if (state.filter?.expressions?.length) expressions.push(state.filter as Expression);
  if (state.search !== "") {
    const texts = columns.filter((column) => isText(column) && !column.isSystem);
    if (texts.length > 0) {
      expressions.push({
        operator: "or",
        expressions: texts.map(({ name }) => ({ field: name, operand: "icontains", value: state.search })),
      });
    }
  }
  const names = new Set(columns.map(({ name }) => name));
  const sort = state.sort.filter(({ field }) => names.has(field));
  return { ...(expressions.length ? { query: { expressions } } : {}), ...(sort.length ? { sort } : {}) };
}
