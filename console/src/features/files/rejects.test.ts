import { expect, test } from "vitest";
import { firstRejects } from "./rejects";

/** A file that comes in parts of so many bytes. */
function streamOf(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

const lineOf = (line: number) => JSON.stringify({ line, errors: [{ msg: `Ä ${line}.` }, { msg: "Long." }] });

test.each([1, 7, 1000])("the first rows are read from parts of %i bytes", async (size) => {
  const text = Array.from({ length: 12 }, (_, at) => `${lineOf(at + 1)}\n`).join("");
  const rows = await firstRejects(streamOf(text, size));
  expect(rows.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(rows[9]).toEqual({ line: 10, reasons: "Ä 10. Long." });
});

test.each([0, 1, 3])("a file of %i rows is read to its end", async (count) => {
  const text = Array.from({ length: count }, (_, at) => `${lineOf(at)}\n`).join("");
  expect(await firstRejects(streamOf(text, 5))).toHaveLength(count);
});

test("a last row that is cut is left out", async () => {
  expect(await firstRejects(streamOf(`${lineOf(7)}\n{"line": 8, "er`, 5))).toEqual([
    { line: 7, reasons: "Ä 7. Long." },
  ]);
});

test("a response without a body has no rows", async () => {
  expect(await firstRejects(null)).toEqual([]);
});
