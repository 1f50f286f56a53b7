import { expect, test } from "vitest";
import { parseExact } from "./exactJson";

test.each([
  '{"a":9223372036854775807,"b":{"c":[-9007199254740993]},"d":1.5,"e":"1234567890123456789"}',
  '{"a":0.12345678901234567890,"b":[12345678.901234567,1.00000000000000000001]}',
  '{"a":1e400,"b":-1E-400,"c":123456789012345678e3}',
])("numbers stay exact, in columns and inside JSON values: %s", (text) => {
  expect(JSON.stringify(parseExact(text))).toBe(text);
});

test("numbers that are exact in JavaScript are numbers", () => {
  const text = "[263,1e300,1E+200,0.1000000000000000,12345678.90123456,1.0,0e999,-0.0000000000000000]";
  expect(parseExact(text)).toEqual([263, 1e300, 1e200, 0.1, 12345678.90123456, 1, 0, -0]);
});
