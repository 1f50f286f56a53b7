import { expect, test } from "vitest";
import { shortText } from "./cellText";

test("long texts are cut, never within a character", () => {
  expect(shortText("x".repeat(1000))).toBe("x".repeat(1000));
  expect(shortText("x".repeat(100_000))).toBe(`${"x".repeat(1000)}…`);
  expect(shortText(`${"x".repeat(999)}😀${"y".repeat(9)}`)).toBe(`${"x".repeat(999)}…`);
  expect(shortText("😀".repeat(600))).toBe(`${"😀".repeat(500)}…`);
});
