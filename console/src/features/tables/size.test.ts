import { expect, test } from "vitest";
import { bytesText, rowsText } from "./size";

test.each([
  [0, "0 bytes"],
  [1, "1 byte"],
  [999, "999 bytes"],
  [1000, "1 kB"],
  [8192, "8.2 kB"],
  [81_920, "82 kB"],
  [123_456_789, "123 MB"],
  [5e15, "5,000 TB"],
])("%d bytes", (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test("rows beyond those that are counted are an estimate", () => {
  expect([0, 10_000, 10_001, 1_234_567].map((rows) => rowsText({ rows }))).toEqual([
    "0",
    "10,000",
    "about 10,000",
    "about 1,200,000",
  ]);
});
