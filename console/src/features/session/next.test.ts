import { expect, test } from "vitest";
import { safeNext } from "./next";

test.each([
  [null, "/"],
  ["/w/main/tables/people?filter=x", "/w/main/tables/people?filter=x"],
  ["//other.example/", "/"],
  ["/\\other.example", "/"],
  ["https://other.example/", "/"],
  ["/sign-in?next=/sign-in", "/"],
])("the page after signing in: %s", (next, page) => {
  expect(safeNext(next)).toBe(page);
});
