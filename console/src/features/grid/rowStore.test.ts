import { expect, test } from "vitest";
import type { Page, Position } from "./rowQueries";
import { BLOCK, RowStore } from "./rowStore";

/** A table of so many rows; it records what is asked for. */
function table(total: number) {
  const asked: string[] = [];
  const page = (limit: number, position: Position, signal: AbortSignal): Promise<Page> => {
    asked.push("cursor" in position ? `cursor ${position.cursor}` : `offset ${position.offset}`);
    const start = "cursor" in position ? Number(position.cursor) : position.offset;
    const end = Math.min(start + limit, total);
    const rows = Array.from({ length: Math.max(end - start, 0) }, (_, at) => ({ n: start + at }));
    const more = end < total ? { hasMore: true, nextCursor: String(end) } : { hasMore: false };
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      setTimeout(() => resolve({ rows, ...more }), 0);
    });
  };
  const store = new RowStore({ page, count: () => Promise.resolve(total) });
  return { store, asked };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

test("rows in order are read by cursor, a jump by offset", async () => {
  const { store, asked } = table(1_000_000);
  store.start();
  await settled();
  expect(store.total).toBe(1_000_000);
  store.want(0, BLOCK);
  await settled();
  store.want(500_000, 500_050);
  await settled();
  expect(asked).toEqual(["offset 0", `cursor ${BLOCK}`, "offset 500000"]);
  expect(store.row(BLOCK)).toEqual({ n: BLOCK });
  expect(store.row(500_049)).toEqual({ n: 500_049 });
  expect(store.row(300_000)).toBeUndefined();
});

test("requests for rows that were passed are cancelled", async () => {
  const { store } = table(1_000_000);
  store.start();
  await settled();
  for (let at = 10_000; at <= 90_000; at += 10_000) store.want(at, at + 50);
  await settled();
  expect(store.row(10_000)).toBeUndefined();
  expect(store.row(90_050)).toEqual({ n: 90_050 });
  expect(store.isLoading).toBe(false);
});

test("the memory has a bound", async () => {
  const { store } = table(100_000);
  store.start();
  for (let at = 0; at < 50_000; at += BLOCK) {
    store.want(at, at + BLOCK);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await settled();
  const blocks = Array.from({ length: 500 }, (_, block) => store.row(block * BLOCK)).filter(Boolean);
  expect(blocks.length).toBeLessThanOrEqual(200);
});

test("a failure is shown until it is tried again", async () => {
  let works = false;
  const page = () =>
    works ? Promise.resolve({ rows: [{ n: 1 }], hasMore: false }) : Promise.reject(new Error("no"));
  const store = new RowStore({ page, count: () => Promise.resolve(1) });
  store.start();
  await settled();
  expect(store.error).toBe("no");
  works = true;
  store.retry();
  await settled();
  expect(store.error).toBeUndefined();
  expect(store.row(0)).toEqual({ n: 1 });
});
