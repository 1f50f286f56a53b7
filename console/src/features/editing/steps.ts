/** Steps: changes of single rows, each of which can be taken back by another step. */
import type { Cell, Row } from "../../api/types";
import type { Column } from "../grid/columns";
import { exactText } from "../grid/cellText";

export type Data = Readonly<Record<string, Cell>>;

/** `row` is the version that the step changes, `restores` an earlier one with the values that it leaves. */
export type Step =
  | { kind: "update"; row: Row; data: Data; restores?: Row }
  | { kind: "insert"; data: Data; restores?: Row }
  | { kind: "delete"; row: Row };

/** A step that was not done: in a conflict, `theirs` is the row of somebody else, or null if it is gone; with
 * `canRepeat`, the same step can succeed later. */
export type Failure = { step: Step } & ({ message: string; canRepeat?: boolean } | { theirs: Row | null });

export interface Done {
  step: Step;
  /** The row as it is now; null if it is gone. */
  row: Row | null;
  inverse: Step;
}

export interface Results {
  done: Done[];
  failures: Failure[];
}

/** The most rows that one edit changes. */
export const MAX_ROWS = 1000;

/** The step that takes back an update. */
export function inverseOf(before: Row, after: Row, data: Data): Step {
  const names = Object.keys(data);
  const old = Object.fromEntries(names.map((name) => [name, before[name] ?? null]));
  return { kind: "update", row: after, data: old, restores: before };
}

/** The values of a row that a person can write. */
export function ownValues(row: Row, columns: readonly Column[]): Data {
  const own = columns.filter(({ isSystem }) => !isSystem);
  return Object.fromEntries(own.map(({ name }) => [name, row[name] ?? null]));
}

/** The steps that take back what was done. Rows give their values free before others take them: deletions are first,
 * inserts last, and updates in reverse order. */
export function inversesOf(done: readonly Done[]): Step[] {
  const steps = done.map(({ inverse }) => inverse);
  const of = (kind: Step["kind"]) => steps.filter((step) => step.kind === kind);
  return [...of("delete"), ...of("update").reverse(), ...of("insert")];
}

/** Whether a row has all of these values already. */
export function holds(row: Row, data: Data): boolean {
  const text = (value: Cell) => (value === null || value === undefined ? null : exactText(value));
  return Object.entries(data).every(([name, value]) => text(row[name]) === text(value));
}
