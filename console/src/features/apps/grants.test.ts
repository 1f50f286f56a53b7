import { expect, test } from "vitest";
import { type Changes, granted, isAllowed, textOf, type Thing, withRight } from "./grants";

const APP = "cs-1";
const PEOPLE: Thing = { kind: "tables", name: "people" };
const ADULTS: Thing = { kind: "views", name: "adults" };
const STORED = granted([
  { clientId: APP, app: "bot", table: "people", read: true, write: true, delete: false },
]);
const NONE: Changes = new Map();
const place = { clientId: APP, thing: PEOPLE };

test("a right that is set back is no change", () => {
  const changed = withRight(STORED, NONE, [place], "delete", true);
  expect(isAllowed(STORED, changed, place, "delete")).toBe(true);
  expect(isAllowed(STORED, changed, place, "read")).toBe(true);
  expect([...changed.values()]).toEqual([{ ...place, rights: { delete: true } }]);
  expect(withRight(STORED, changed, [place], "delete", false).size).toBe(0);
});

test("a column sets the right of all tables; views can only be read", () => {
  const places = [place, { clientId: APP, thing: ADULTS }];
  expect([...withRight(STORED, NONE, places, "read", true).values()]).toEqual([
    { clientId: APP, thing: ADULTS, rights: { read: true } },
  ]);
  expect(withRight(STORED, NONE, places, "write", true).size).toBe(0);
});

test("a change in words", () => {
  const first = withRight(STORED, NONE, [place], "delete", true);
  const changed = withRight(STORED, first, [place], "write", false);
  expect([...changed.values()].map(textOf)).toEqual(["people: may delete; may no longer write"]);
});
