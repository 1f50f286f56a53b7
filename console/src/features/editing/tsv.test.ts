import { expect, test } from "vitest";
import { fromTsv, toTsv } from "./tsv";

test.each([
  [
    "a\tb\n1\t2\n",
    [
      ["a", "b"],
      ["1", "2"],
    ],
  ],
  [
    "a\tb\r\n1\t2",
    [
      ["a", "b"],
      ["1", "2"],
    ],
  ],
  [
    "a\t\n\tb",
    [
      ["a", null],
      [null, "b"],
    ],
  ],
  ['""\t', [["", null]]],
  ['"two\nlines"\t"a ""b"""', [["two\nlines", 'a "b"']]],
  ['12" pipe\t"cut" off', [['12" pipe', '"cut" off']]],
  ["", []],
  ["\n", [[null]]],
  ["a\n\nb", [["a"], [null], ["b"]]],
])("%j is read", (text, rows) => {
  expect(fromTsv(text)).toEqual(rows);
});

test("what is written is read back", () => {
  const rows = [
    ["plain", null, ""],
    ['"quoted"', "tab\there", "line\r\nbreak"],
    ['"', 'a"b', "\n"],
    [null, null, null],
  ];
  expect(fromTsv(toTsv(rows))).toEqual(rows);
  expect(fromTsv(toTsv([["a"], [null]]))).toEqual([["a"], [null]]);
  expect(fromTsv(toTsv([[null]]))).toEqual([[null]]);
});

test("a long text with a quote that is not closed is read in time", () => {
  expect(fromTsv(`"${"x".repeat(200_000)}`)).toHaveLength(1);
});
