import { expect, test } from "vitest";
import type { Row } from "../../api/types";
import { History } from "./history";
import { type Done, inverseOf, inversesOf, type Step } from "./steps";

/** A table that changes a row only if the version is the present one, as the server does. */
class Table {
  readonly rows = new Map<unknown, Row>();
  private clock = 0;

  insert(data: Row): Row {
    this.clock += 1;
    const row = { ...data, _id: `row ${this.clock}`, Updated_On: this.clock };
    this.rows.set(row._id, row);
    return row;
  }

  run(step: Step): Done {
    if (step.kind === "insert") {
      const row = this.insert(step.data);
      return { step, row, inverse: { kind: "delete", row } };
    }
    const { row } = step;
    if (this.rows.get(row._id)?.Updated_On !== row.Updated_On) throw new Error("conflict");
    if (step.kind === "delete") {
      this.rows.delete(row._id);
      return { step, row: null, inverse: { kind: "insert", data: { v: row.v }, restores: row } };
    }
    this.clock += 1;
    const saved = { ...row, ...step.data, Updated_On: this.clock };
    this.rows.set(row._id, saved);
    return { step, row: saved, inverse: inverseOf(row, saved, step.data) };
  }

  get values(): unknown[] {
    return [...this.rows.values()].map(({ v }) => v);
  }
}

function edited(table: Table, history: History, step: Step): Row | null {
  const done = table.run(step);
  history.record("edit", [done.inverse]);
  return done.row;
}

const back = (table: Table, history: History) =>
  history.moved(
    "undo",
    (history.next?.steps ?? []).map((step) => table.run(step)),
  );
const again = (table: Table, history: History) =>
  history.moved(
    "redo",
    (history.nextAgain?.steps ?? []).map((step) => table.run(step)),
  );

test("edits of one row are taken back and done again, over its deletion too", () => {
  const table = new Table();
  const history = new History();
  let row = table.insert({ v: 0 });
  for (const v of [1, 2]) row = edited(table, history, { kind: "update", row, data: { v } }) ?? row;
  edited(table, history, { kind: "delete", row });
  const seen = [];
  for (let at = 0; at < 3; at++) {
    back(table, history);
    seen.push(table.values);
  }
  for (let at = 0; at < 3; at++) {
    again(table, history);
    seen.push(table.values);
  }
  back(table, history);
  seen.push(table.values);
  expect(seen).toEqual([[2], [1], [0], [1], [2], [], [2]]);
});

test("a row that somebody else has changed is not taken back", () => {
  const table = new Table();
  const history = new History();
  const row = table.insert({ v: 0 });
  edited(table, history, { kind: "update", row, data: { v: 1 } });
  table.run({ kind: "update", row: table.rows.get(row._id) ?? row, data: { v: 7 } });
  expect(() => back(table, history)).toThrow("conflict");
  expect(table.values).toEqual([7]);
});

test("a new edit ends what could be done again, and there is a bound", () => {
  const table = new Table();
  const history = new History();
  edited(table, history, { kind: "insert", data: { v: 0 } });
  back(table, history);
  expect(history.nextAgain).toBeDefined();
  for (let v = 0; v < 60; v++) edited(table, history, { kind: "insert", data: { v } });
  expect(history.nextAgain).toBeUndefined();
  let count = 0;
  for (; history.next !== undefined; count++) back(table, history);
  expect(count).toBe(50);
});

test("values are free before others take them: rows that were added go first, updates are taken back in reverse", () => {
  const table = new Table();
  const steps: Step[] = [1, 2].map((v) => ({ kind: "update", row: table.insert({ v: 0 }), data: { v } }));
  const done = [...steps, { kind: "insert", data: { v: 3 } } as const].map((step) => table.run(step));
  const kinds = inversesOf(done).map((step) => [step.kind, "row" in step ? step.row.v : undefined]);
  expect(kinds).toEqual([
    ["delete", 3],
    ["update", 2],
    ["update", 1],
  ]);
  const deletions = done.map(({ row }) => table.run({ kind: "delete", row: row ?? {} }));
  expect(inversesOf(deletions).map((step) => step.kind === "insert" && step.data.v)).toEqual([1, 2, 3]);
});
