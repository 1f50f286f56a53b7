import { expect, test } from "vitest";
import { differences, merged } from "./merge";

const column = (name: string, more: object = {}) => ({ name, type: "string", isRequired: false, ...more });
const BASE = {
  name: "people",
  description: "",
  schemaDef: [column("A"), column("B"), column("C")],
  indexes: [{ name: "by_a", columns: [{ name: "A" }] }],
};

test("differences are one line each", () => {
  const after = {
    ...BASE,
    description: "All",
    schemaDef: [column("A", { isRequired: true }), column("C"), column("D")],
    indexes: [],
  };
  expect(differences(BASE, after)).toEqual([
    'description: not set → "All"',
    "column B was removed",
    "column D was added",
    "column A: isRequired false → true",
    "index by_a was removed",
  ]);
  expect(differences(BASE, { ...BASE, retention: {} })).toEqual([]);
});

test("changes of different places are both there", () => {
  const mine = {
    ...BASE,
    schemaDef: [column("A"), column("Two", { renamedFrom: "B" }), column("C"), column("E")],
  };
  const theirs = {
    ...BASE,
    description: "All",
    schemaDef: [column("A"), column("B", { isRequired: true }), column("D")],
  };
  const { definition, conflicts } = merged(BASE, mine, theirs);
  expect(conflicts).toEqual([]);
  expect(definition).toEqual({
    ...BASE,
    description: "All",
    schemaDef: [column("A"), column("Two", { renamedFrom: "B", isRequired: true }), column("E"), column("D")],
  });
});

test("what both changed is one's own, and is listed", () => {
  const mine = { ...BASE, description: "Mine", schemaDef: [column("A", { maxLength: 5 }), column("C")] };
  const theirs = {
    ...BASE,
    description: "Theirs",
    schemaDef: [column("A", { maxLength: 9 }), column("B", { isRequired: true }), column("C")],
  };
  const { definition, conflicts } = merged(BASE, mine, theirs);
  expect(definition).toEqual(mine);
  expect(conflicts).toEqual([
    'description: yours is "Mine", theirs "Theirs"',
    "column A, maxLength: yours is 5, theirs 9",
    "column B: you removed it, they changed it",
  ]);
});

test("a column that they removed stays only if one changed it", () => {
  const theirs = { ...BASE, schemaDef: [column("A")] };
  const mine = { ...BASE, schemaDef: [column("A"), column("Two", { renamedFrom: "B" }), column("C")] };
  const { definition, conflicts } = merged(BASE, mine, theirs);
  expect(definition.schemaDef).toEqual([column("A"), column("Two")]);
  expect(conflicts).toEqual(["column Two: you changed it, they removed it"]);
});
