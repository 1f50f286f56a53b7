import { expect, test } from "vitest";
import { brokenAt, lineOf, spanOf, textOf } from "./json";

const TEXT = `{
  "name": "a\\"b",
  "schemaDef": [
    {"name": "A", "default": [1, {"x": "]}"}]},
    {"name": "B/C~D", "reference": {}, "maxLength": 20}
  ],
  "indexes": []
}`;
const at = (pointer: string) => {
  const { start, end } = spanOf(TEXT, pointer);
  return TEXT.slice(start, end);
};

test("a pointer finds its value, and the nearest one around it if it is missing", () => {
  expect(at("/name")).toBe('"a\\"b"');
  expect(at("/schemaDef/0/default/1/x")).toBe('"]}"');
  expect(at("/schemaDef/1/maxLength")).toBe("20");
  expect(at("/schemaDef/1/reference/table")).toBe("{}");
  expect(at("/schemaDef/1/isRequired")).toBe('{"name": "B/C~D", "reference": {}, "maxLength": 20}');
  expect(at("/indexes")).toBe("[]");
  expect(at("/indexes/3/name")).toBe("[]");
  expect(at("")).toBe(TEXT);
  expect(lineOf(TEXT, spanOf(TEXT, "/schemaDef/1/name").start)).toBe(5);
});

test("keys in pointers are unescaped", () => {
  const text = '{"a/b": {"c~d": true}}';
  const { start, end } = spanOf(text, "/a~1b/c~0d");
  expect(text.slice(start, end)).toBe("true");
});

test("each column has a line of its own", () => {
  const definition = { name: "t", schemaDef: [{ name: "A" }, { name: "B" }], indexes: [] };
  expect(textOf(definition)).toBe(
    '{\n  "name": "t",\n  "schemaDef": [\n    {"name":"A"},\n    {"name":"B"}\n  ],\n  "indexes": []\n}\n',
  );
  expect(JSON.parse(textOf(definition))).toEqual(definition);
});

test("where a text stops being JSON", () => {
  const text = '{"name": x}';
  try {
    JSON.parse(text);
  } catch (error) {
    expect(brokenAt(text, error)?.start ?? 9).toBe(9);
  }
  expect(brokenAt(text, new TypeError("other"))).toBeUndefined();
});
