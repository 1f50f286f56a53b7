import { expect, test } from "vitest";
import type { UsableTable } from "../../api/types";
import type { Column } from "../grid/columns";
import { onlyOnce, referringTables, targetsOf } from "./references";

const reference = { table: "teams", column: "Code" };
const column = (name: string): Column => ({
  name,
  type: "string",
  isSystem: false,
  isRequired: false,
  isEncrypted: false,
  reference,
});
const table = (name: string, rights: UsableTable["rights"], names: string[] = []): UsableTable => ({
  name,
  description: "",
  kind: "table",
  rights,
  columns: names.map((each) => ({ name: each, type: "string", isRequired: false, reference })),
});
const usable = (...tables: UsableTable[]) => new Map(tables.map((each) => [each.name, each]));

test("a value that two columns have is one target; null and tables that cannot be read are none", () => {
  const columns = ["Team", "Former", "Next", "First"].map(column);
  const row = { Team: "red", Former: "red", Next: "blue", First: null };
  const targets = targetsOf(columns, row, usable(table("Teams", ["read"])));
  expect(targets.map(({ value, names }) => [value, names])).toEqual([
    ["red", ["Team", "Former"]],
    ["blue", ["Next"]],
  ]);
  expect(targetsOf(columns, row, usable(table("teams", ["write"])))).toEqual([]);
  expect(targetsOf(columns, row, usable())).toEqual([]);
});

test("a table that refers by two columns is one", () => {
  const tables = usable(table("players", ["read"], ["Team", "Former"]), table("secret", [], ["Team"]));
  const found = referringTables("teams", { Code: "red" }, tables);
  expect(found.map((each) => [each.table.name, each.conditions.map(({ field }) => field)])).toEqual([
    ["players", ["Team", "Former"]],
  ]);
  expect(referringTables("teams", { Code: null }, tables)).toEqual([]);
});

test("a row that was found twice is shown once, with both names", () => {
  const row = { _id: "1" };
  const found = [
    { table: "teams", names: ["Team"], row },
    { table: "teams", names: ["Other"], row: { ...row } },
    { table: "teams", names: ["Third"], row: { _id: "2" } },
  ];
  expect(onlyOnce(found).map(({ names }) => names)).toEqual([["Team", "Other"], ["Third"]]);
});
