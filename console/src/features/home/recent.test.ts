import { expect, test } from "vitest";
import { byUse, readRecent, withUse } from "./recent";

const people = { kind: "tables", name: "people" } as const;
const adults = { kind: "views", name: "adults" } as const;
const cities = { kind: "tables", name: "cities" } as const;

test("the last used is first, once", () => {
  const recent = withUse(withUse(withUse([], people), adults), people);
  expect(recent).toEqual(["tables/people", "views/adults"]);
  expect(byUse([adults, cities, people], recent)).toEqual([people, adults, cities]);
  expect(byUse([adults, cities, people], [])).toEqual([adults, cities, people]);
});

test("the list is bounded", () => {
  let recent: string[] = [];
  for (let at = 0; at < 60; at += 1) recent = withUse(recent, { kind: "tables", name: `t${at}` });
  expect(recent.length).toBe(50);
  expect(recent[0]).toBe("tables/t59");
});

test.each([null, "", "{", "3", '{"a":1}', "[1,null]"])("what is not a list is none: %s", (text) => {
  expect(readRecent(text)).toEqual([]);
});
