import { expect, test } from "vitest";
import type { Table, View } from "../../api/types";
import { usersOf } from "./dependants";

test("columns that refer to a table, and views that read it", () => {
  const table = (name: string, ...references: string[]) =>
    ({
      name,
      schemaDef: references.map((each) => ({ name: "C", reference: { table: each } })),
    }) as unknown as Table;
  const view = (name: string, first: string, ...joins: string[]) =>
    ({ name, table: first, joins: joins.map((each) => ({ table: each })) }) as unknown as View;
  const tables = [table("teams", "teams"), table("players", "Teams"), table("other", "players")];
  expect(usersOf("teams", tables, [view("a", "other", "TEAMS"), view("b", "other")])).toEqual([
    "players.C",
    "view a",
  ]);
});
