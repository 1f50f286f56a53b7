import { expect, test } from "vitest";
import { parseExact } from "./exactJson";

test("64-bit integers stay exact, in columns and inside JSON values", () => {
  const text = '{"a":9223372036854775807,"b":{"c":[-9007199254740993]},"d":1.5,"e":"1234567890123456789"}';
  expect(JSON.stringify(parseExact(text))).toBe(text);
});

test("other numbers are numbers", () => {
  expect(parseExact('{"a":263,"b":1e300,"c":0.1234567890123456789}')).toEqual({
    a: 263,
    b: 1e300,
    c: 0.12345678901234568,
  });
});
