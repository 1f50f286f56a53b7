import { expect, test, vi } from "vitest";
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

test("rows are updated by their id, and read where they are not in memory", async () => {
  const rows = (start: number) => Array.from({ length: BLOCK }, (_, at) => ({ _id: `${start + at}`, n: 0 }));
  const page = (_limit: number, position: Position) => {
    const start = "offset" in position ? position.offset : Number(position.cursor);
    return Promise.resolve({ rows: rows(start), hasMore: true, nextCursor: `${start + BLOCK}` });
  };
  const store = new RowStore({ page, count: () => Promise.resolve(10 * BLOCK) });
  store.start();
  await settled();
  store.update([{ _id: "7", n: 1 }]);
  expect([store.row(6), store.row(7)]).toEqual([
    { _id: "6", n: 0 },
    { _id: "7", n: 1 },
  ]);
  const read = await store.read(3 * BLOCK - 1, 3 * BLOCK);
  expect(read.map(({ _id }) => _id)).toEqual([`${3 * BLOCK - 1}`, `${3 * BLOCK}`]);
});

test("a response that was on its way during an edit does not bring back what was before", async () => {
  const before = { _id: "1", Updated_On: "2026-01-01T00:00:00.000Z", n: 0 };
  const after = { ...before, Updated_On: "2026-01-01T00:00:01.000Z", n: 1 };
  const answers: ((page: Page) => void)[] = [];
  const store = new RowStore({
    page: () => new Promise((resolve) => answers.push(resolve)),
    count: () => Promise.resolve(1),
  });
  store.start();
  store.update([after]);
  answers[0]?.({ rows: [before], hasMore: false });
  await settled();
  expect(store.row(0)).toEqual(after);
});

test("a count that was on its way during a deletion is not shown", async () => {
  const counts: ((count: number) => void)[] = [];
  const store = new RowStore({
    page: () => Promise.resolve({ rows: [{ _id: "1" }], hasMore: true, nextCursor: "1" }),
    count: () => new Promise((resolve) => counts.push(resolve)),
  });
  store.start();
  await settled();
  store.refresh();
  await settled();
  counts[1]?.(7);
  counts[0]?.(8);
  await settled();
  expect(store.total).toBe(7);
});

test("rows are counted only after the first ones are there, and not if these are all", async () => {
  const count = vi.fn(() => Promise.resolve(500));
  const answers: ((page: Page) => void)[] = [];
  const page = () => new Promise<Page>((resolve) => answers.push(resolve));
  const store = new RowStore({ page, count });
  store.start();
  await settled();
  expect(count).not.toHaveBeenCalled();
  answers[0]?.({ rows: [{ _id: "1" }], hasMore: true, nextCursor: "1" });
  await settled();
  expect([count.mock.calls.length, store.total]).toEqual([1, 500]);
  const small = new RowStore({
    page: () => Promise.resolve({ rows: [{ _id: "1" }], hasMore: false }),
    count,
  });
  small.start();
  await settled();
  expect([count.mock.calls.length, small.total, small.isCounted]).toEqual([1, 1, true]);
});
