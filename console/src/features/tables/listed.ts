/** One list of tables and views. */
import type { Table, UsableTable, View } from "../../api/types";

/** Also the part of a path, in the API and in the address bar. */
export type Kind = "tables" | "views";

/** One of a kind. */
export const NOUNS = { tables: "table", views: "view" } as const;

export interface Listed {
  kind: Kind;
  name: string;
  description: string;
  columns: number;
}

export function listed(tables: readonly Table[], views: readonly View[]): Listed[] {
  const all = [
    ...tables.map((each) => entry("tables", each, each.schemaDef.length)),
    ...views.map((each) => entry("views", each, each.columns.length)),
  ];
  return all.sort((a, b) => a.name.localeCompare(b.name, "en", { sensitivity: "base" }));
}

function entry(kind: Kind, { name, description }: { name: string; description: string }, columns: number) {
  return { kind, name, description, columns };
}

export function matching(all: readonly Listed[], search: string): Listed[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((each) => {
    const text = `${each.name} ${each.description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The table or view with this name, in any case. */
export function tableNamed(usable: ReadonlyMap<string, UsableTable>, name: string): UsableTable | undefined {
  return (
    usable.get(name) ?? [...usable.values()].find((each) => each.name.toLowerCase() === name.toLowerCase())
  );
}
