/** The last edits, and how to take them back. Each row is only changed if nobody else has changed it since. */
import type { Row } from "../../api/types";
import { type Done, inversesOf, type Step } from "./steps";

export interface Edit {
  /** What was done, such as "edit of First_Name". */
  label: string;
  /** What takes it back. */
  steps: readonly Step[];
}

const MAX_EDITS = 50;

export class History {
  private undone: Edit[] = [];
  private past: Edit[] = [];

  /** The edit that is taken back next. */
  get next(): Edit | undefined {
    return this.past.at(-1);
  }

  /** The edit that is done again next. */
  get nextAgain(): Edit | undefined {
    return this.undone.at(-1);
  }

  /** Records a new edit. What was taken back before it cannot be done again. */
  record(label: string, steps: readonly Step[]): void {
    if (steps.length === 0) return;
    this.undone = [];
    this.past = [...this.past, { label, steps }].slice(-MAX_EDITS);
  }

  /** Moves an edit from one side to the other after its steps have run. */
  moved(from: "undo" | "redo", done: readonly Done[]): void {
    const edit = from === "undo" ? this.past.pop() : this.undone.pop();
    if (edit === undefined) return;
    for (const { step, row } of done) {
      if (step.kind !== "delete" && step.restores !== undefined && row !== null) {
        this.replace(step.restores, row);
      }
    }
    const steps = inversesOf(done);
    if (steps.length > 0) (from === "undo" ? this.undone : this.past).push({ label: edit.label, steps });
  }

  /** A row has the values of an earlier version again: steps for that version are now for this one. */
  private replace(earlier: Row, now: Row): void {
    const replaced = (row: Row) => (isVersion(row, earlier) ? now : row);
    const changed = (edit: Edit): Edit => ({
      ...edit,
      steps: edit.steps.map((step) => ({
        ...step,
        ...("row" in step ? { row: replaced(step.row) } : {}),
        ...("restores" in step && step.restores !== undefined ? { restores: replaced(step.restores) } : {}),
      })),
    });
    this.past = this.past.map(changed);
    this.undone = this.undone.map(changed);
  }
}

function isVersion(row: Row, other: Row): boolean {
  return row._id === other._id && row.Updated_On === other.Updated_On;
}
