import { expect, test } from "vitest";
import { guessedNumbers } from "./numbers";
import type { Inspected } from "./requests";

/** A file with these columns, each with its type and first values. */
function file(format: string, ...columns: [string, ...(string | null)[]][]): Inspected {
  const rows = columns[0]
    ?.slice(1)
    .map((_, row) => Object.fromEntries(columns.map((column, at) => [`#${at}`, column[row + 1] ?? null])));
  return {
    detected: { format },
    columns: columns.map((_, at) => ({ label: `#${at}`, name: "", proposed: `c${at}` })),
    rows,
    definition: { name: "t", schemaDef: columns.map(([type], at) => ({ name: `c${at}`, type })) },
  } as unknown as Inspected;
}

test("a column of numbers with a comma has a decimal comma", () => {
  expect(guessedNumbers(file("csv", ["string", "0,5", "-12,25"]))).toEqual({ decimal: ",", thousands: "" });
  expect(guessedNumbers(file("csv", ["string", "1.234,50", null]))).toEqual({ decimal: ",", thousands: "." });
  // whole numbers do not say anything
  expect(guessedNumbers(file("csv", ["string", "0,5"], ["integer", "7"]))?.decimal).toBe(",");
});

test("nothing is guessed if something speaks against it", () => {
  expect(guessedNumbers(file("csv", ["string", "0,5", "none"]))).toBeUndefined();
  expect(guessedNumbers(file("csv", ["string", "0,5"], ["number", "0.5"]))).toBeUndefined();
  expect(guessedNumbers(file("csv", ["string", null, null]))).toBeUndefined();
  expect(guessedNumbers(file("ndjson", ["string", "0,5"]))).toBeUndefined();
});
