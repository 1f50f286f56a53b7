/** What the search finds, and in which order. */

export type Group = "Tables and views" | "Charts" | "Columns" | "Apps" | "Users" | "Pages" | "API docs";

const GROUPS: readonly Group[] = [
  "Tables and views",
  "Pages",
  "Charts",
  "Columns",
  "Apps",
  "Users",
  "API docs",
];
const MOST_OF_GROUP = 6;

export interface Entry {
  group: Group;
  label: string;
  detail: string;
  /** A page of the console. */
  to?: string;
  /** A page outside the console. */
  href?: string;
  /** More words by which it is found. */
  words?: string;
}

export interface Found {
  group: Group;
  entries: Entry[];
}

/** The entries that have all words of the text, by group: first those whose name starts with it. Without a text,
 * only tables, views and pages are shown. */
export function found(entries: readonly Entry[], text: string): Found[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = words.length > 0 ? GROUPS : GROUPS.slice(0, 2);
  return shown
    .map((group) => ({ group, entries: best(entries, group, words) }))
    .filter((each) => each.entries.length > 0);
}

function best(entries: readonly Entry[], group: Group, words: readonly string[]): Entry[] {
  const ranked = entries
    .filter((each) => each.group === group)
    .map((entry) => ({ entry, rank: rankOf(entry, words) }))
    .filter(({ rank }) => rank >= 0);
  return ranked
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, MOST_OF_GROUP)
    .map(({ entry }) => entry);
}

/** Negative if a word is missing. */
function rankOf({ label, detail, words: more = "" }: Entry, words: readonly string[]): number {
  const name = label.toLowerCase();
  const text = `${name} ${detail} ${more}`.toLowerCase();
  if (!words.every((word) => text.includes(word))) return -1;
  const joined = words.join(" ");
  if (name === joined) return 0;
  if (name.startsWith(joined)) return 1;
  return words.every((word) => name.includes(word)) ? 2 : 3;
}

interface OpenApi {
  tags?: { name: string; description?: string }[];
  paths?: Record<string, Record<string, { operationId?: string; summary?: string; tags?: string[] } | null>>;
}

const METHODS = new Set(["get", "put", "post", "patch", "delete"]);

/** The sections and operations of the docs page of the API. */
export function docsEntries({ tags = [], paths = {} }: OpenApi, address: string): Entry[] {
  const sections = tags.map(({ name, description = "" }): Entry => ({
    group: "API docs",
    label: name,
    detail: description,
    href: `${address}#/${encodeURIComponent(name)}`,
  }));
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]): Entry[] => {
      const { operationId, summary, tags: [tag] = [] } = operation ?? {};
      if (!METHODS.has(method) || operationId === undefined || tag === undefined) return [];
      return [
        {
          group: "API docs",
          label: summary ?? operationId,
          detail: `${method.toUpperCase()} ${path}`,
          href: `${address}#/${encodeURIComponent(tag)}/${encodeURIComponent(operationId)}`,
        },
      ];
    }),
  );
  return [...sections, ...operations];
}
