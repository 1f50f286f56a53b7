import { expect, test } from "vitest";
import { ageText } from "./age";

test.each([
  ["2026-01-10T11:00:00Z", "today"],
  ["2026-01-09T11:00:00Z", "1 day"],
  ["2025-01-10T11:00:00Z", "365 days"],
  ["2026-02-10T11:00:00Z", "today"],
])("a key that is in use since %s", (since, text) => {
  expect(ageText(since, Date.parse("2026-01-10T12:00:00Z"))).toBe(text);
});
