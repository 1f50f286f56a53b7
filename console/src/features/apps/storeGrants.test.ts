import { expect, test, vi } from "vitest";

vi.mock("../../api/client", () => ({}));
const { storeChanges } = await import("./storeGrants");
const { granted, withRight } = await import("./grants");

test("only what was changed is set, and what is refused stays to be tried again", async () => {
  const thing = (name: string) => ({ kind: "tables" as const, name });
  const places = ["one", "two"].map((name) => ({ clientId: "cs-1", thing: thing(name) }));
  const changes = withRight(new Map(), new Map(), places, "write", true);
  // somebody else has granted something meanwhile
  const now = [{ clientId: "cs-1", app: "bot", table: "one", read: true, write: false, delete: false }];
  const stored: unknown[] = [];
  const progress: number[] = [];
  const failures = await storeChanges(
    changes,
    () => Promise.resolve(now),
    (change, rights) => {
      if (change.thing.name === "two") throw new Error("No such table");
      stored.push(rights);
      return Promise.resolve();
    },
    (done) => progress.push(done),
  );
  expect(stored).toEqual([{ read: true, write: true, delete: false }]);
  expect(failures.map(({ change, message }) => [change.thing.name, message])).toEqual([
    ["two", "No such table"],
  ]);
  expect(progress).toEqual([1, 2]);
  expect(granted(now).size).toBe(1);
});
