import { replaceEqualDeep } from "@tanstack/react-query";
import { afterEach, expect, test, vi } from "vitest";
import { parseExact, parseWritten } from "./exactJson";

const TEXTS = [
  '{"a":9223372036854775807,"b":{"c":[-9007199254740993]},"d":1.5,"e":"1234567890123456789"}',
  '{"a":0.12345678901234567890,"b":[12345678.901234567,1.00000000000000000001]}',
  '{"a":1e400,"b":-1E-400,"c":123456789012345678e3}',
  "[1.0,1.50,-0,-0.0,1e2,1E+2,0.0000001,100,true,false,null]",
  "1.0",
  '{"b":1,"2":"x","1":[{"10":{},"9":[]}],"a":"2\\"1\\\\","":{"__proto__":{"1":1,"0":2}}}',
];

test.each(TEXTS)("JSON stays exact, in columns and inside JSON values: %s", (text) => {
  expect(JSON.stringify(parseExact(text))).toBe(text);
  expect(JSON.stringify(parseWritten(text))).toBe(text);
  const spaced = JSON.stringify(parseExact(text), null, 2);
  expect(JSON.stringify(parseExact(spaced))).toBe(text);
  expect(JSON.stringify({ ...(parseExact(`{"D":${text}}`) as object) })).toBe(`{"D":${text}}`);
});

test.each(TEXTS)("queries that are read again keep it: %s", (text) => {
  const before = parseExact(text.replaceAll("1", "7"));
  expect(JSON.stringify(replaceEqualDeep(before, parseExact(text)))).toBe(text);
});

const { rawJSON } = JSON as { rawJSON?: unknown };
const { stringify } = JSON;

afterEach(() => {
  Object.assign(JSON, { rawJSON, stringify });
  vi.resetModules();
});

test.each(TEXTS)("a browser without raw JSON keeps it, too: %s", async (text) => {
  Object.assign(JSON, { rawJSON: undefined });
  vi.resetModules();
  const old = await import("./exactJson");
  expect(JSON.stringify(old.parseExact(text))).toBe(text);
  expect(JSON.stringify({ D: [old.parseWritten(text)], text }, null, 1)).toBe(
    stringify({ D: [parseWritten(text)], text }, null, 1),
  );
});

test("keys that are escaped stay in their place", () => {
  expect(JSON.stringify(parseExact('{"a":1,"\\u0032":2,"1":3}'))).toBe('{"a":1,"2":2,"1":3}');
});

test("numbers that JavaScript writes in the same way are numbers", () => {
  expect(parseExact("[263,1e+300,0.1,12345678.90123456,-1,0,1.0000000000000002]")).toEqual([
    263, 1e300, 0.1, 12345678.90123456, -1, 0, 1.0000000000000002,
  ]);
});

test("a key that a person has written twice is refused, as the server does it", () => {
  expect(() => parseWritten('{"a":[{"b":1,"c":2,"b":3}]}')).toThrow(
    'An object has the key "b" twice. Write each key once.',
  );
  expect(() => parseWritten('{"a":1')).toThrow(SyntaxError);
  expect(parseWritten('[{"a":1},{"a":2}]')).toEqual([{ a: 1 }, { a: 2 }]);
});
