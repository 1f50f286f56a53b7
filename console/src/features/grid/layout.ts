/** Layout: the order, width and visibility of columns, as one person has set them for one table. */
import type { Column } from "./columns";

export interface Layout {
  /** Names; columns that are not in it follow in their own order. */
  order: string[];
  hidden: string[];
  pinned: string[];
  widths: Record<string, number>;
}

export const EMPTY: Layout = { order: [], hidden: [], pinned: [], widths: {} };
export const MIN_WIDTH = 60;
export const MAX_WIDTH = 800;
const WIDTHS = { string: 180, number: 120, integer: 120, decimal: 120, boolean: 100, date: 200, json: 220 };

export function widthOf(layout: Layout, column: Column): number {
  return layout.widths[column.name] ?? WIDTHS[column.type];
}

/** All columns in their order: pinned ones first. */
export function arranged(columns: readonly Column[], layout: Layout): Column[] {
  const places = new Map(layout.order.map((name, at) => [name, at]));
  const pinned = new Set(layout.pinned);
  const place = (column: Column, at: number) =>
    (pinned.has(column.name) ? 0 : 1e6) + (places.get(column.name) ?? 1e5 + at);
  return columns
    .map((column, at) => ({ column, key: place(column, at) }))
    .sort((a, b) => a.key - b.key)
    .map(({ column }) => column);
}

export function visible(columns: readonly Column[], layout: Layout): Column[] {
  const hidden = new Set(layout.hidden);
  return arranged(columns, layout).filter(({ name }) => !hidden.has(name));
}

export function resized(layout: Layout, name: string, width: number): Layout {
  const bounded = Math.round(Math.min(Math.max(width, MIN_WIDTH), MAX_WIDTH));
  return { ...layout, widths: { ...layout.widths, [name]: bounded } };
}

export function toggled(layout: Layout, which: "hidden" | "pinned", name: string): Layout {
  const names = layout[which];
  const changed = names.includes(name) ? names.filter((each) => each !== name) : [...names, name];
  return { ...layout, [which]: changed };
}

/** Moves a column to the place of another one. */
export function moved(columns: readonly Column[], layout: Layout, name: string, target: string): Layout {
  const names = arranged(columns, layout).map((column) => column.name);
  const from = names.indexOf(name);
  const to = names.indexOf(target);
  if (from < 0 || to < 0 || from === to) return layout;
  names.splice(from, 1);
  names.splice(to, 0, name);
  return { ...layout, order: names };
}

/** A stored layout, without what is not valid in it. */
export function readLayout(text: string | null): Layout {
  if (text === null) return EMPTY;
  try {
    const stored = JSON.parse(text) as Partial<Record<keyof Layout, unknown>> | null;
    const widths = Object.entries(isRecord(stored?.widths) ? stored.widths : {}).filter(
      (entry): entry is [string, number] => typeof entry[1] === "number" && entry[1] >= MIN_WIDTH,
    );
    return {
      order: strings(stored?.order),
      hidden: strings(stored?.hidden),
      pinned: strings(stored?.pinned),
      widths: Object.fromEntries(widths),
    };
  } catch {
    return EMPTY;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
