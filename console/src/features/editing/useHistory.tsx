import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { messageOf } from "../../api/errors";
import type { Row } from "../../api/types";
import type { Column } from "../grid/columns";
import type { RowStore } from "../grid/rowStore";
import type { TablePlace } from "./changes";
import { type Edit, History } from "./history";
import { readAgain } from "../../api/queries";
import { runSteps } from "./runSteps";
import type { ChangedRows } from "./setColumn";
import { type Data, type Failure, inverseOf, inversesOf, type Results, type Step } from "./steps";

export interface EditHistory {
  /** Runs the steps of an edit, and records how to take it back. Returns whether all were done. */
  run: (label: string, steps: readonly Step[], onProgress?: (done: number) => void) => Promise<boolean>;
  /** Records rows that were changed otherwise. */
  record: (label: string, changes: readonly Changed[]) => void;
  recordInsert: (row: Row) => void;
  /** Records one change of many rows; without the rows, it cannot be taken back. */
  recordMany: (label: string, data: Data, rows: ChangedRows | undefined) => void;
  undo: () => void;
  redo: () => void;
  next: Edit | undefined;
  nextAgain: Edit | undefined;
  /** What could not be done last, to be shown. */
  failures: readonly Failure[];
  forgetFailures: () => void;
}

export interface Changed {
  before: Row;
  after: Row;
  data: Data;
}

/** What shows the rows: puts changed ones in their places, or reads all again. */
export type Shown = Pick<RowStore, "update" | "refresh">;

/** Edits of rows, and the last of them to be taken back. */
export function useHistory(place: TablePlace, columns: readonly Column[], store: Shown): EditHistory {
  const queries = useQueryClient();
  const [history] = useState(() => new History());
  const [, setVersion] = useState(0);
  const [failures, setFailures] = useState<readonly Failure[]>([]);
  const moves = useRef(Promise.resolve());

  /** Shows what the rows are like now. */
  function show({ done, failures: failed }: Results): void {
    const saved = done.flatMap(({ step, row }) => (step.kind === "update" && row !== null ? [row] : []));
    const theirs = failed.flatMap((each) => ("theirs" in each && each.theirs !== null ? [each.theirs] : []));
    const isGone = failed.some((each) => "theirs" in each && each.theirs === null);
    if (isGone || done.some(({ step }) => step.kind !== "update")) store.refresh();
    else if (saved.length + theirs.length > 0) store.update([...saved, ...theirs]);
    setFailures(failed);
    changed();
  }

  function changed(): void {
    setVersion((version) => version + 1);
    for (const queryKey of [
      ["row", place.workspace, place.table],
      ["count", place.workspace, "tables", place.table],
      ["sizes", place.workspace],
    ])
      void readAgain(queries, queryKey);
  }

  async function move(from: "undo" | "redo"): Promise<void> {
    const edit = from === "undo" ? history.next : history.nextAgain;
    if (edit === undefined) return;
    const results = await shownIfLong(edit.label, runSteps(place, columns, edit.steps));
    history.moved(from, results.done);
    show(results);
    if (results.done.length > 0) {
      const what = `${from === "undo" ? "Undone" : "Done again"}: ${edit.label}`;
      notifications.show({ message: what, autoClose: 3000 });
    }
  }

  /** One after the other, as often as it is asked for. */
  function moveLater(from: "undo" | "redo"): void {
    moves.current = moves.current
      .then(() => move(from))
      .catch((error: unknown) => void notifications.show({ color: "red", message: messageOf(error) }));
  }

  return {
    run: async (label, steps, onProgress) => {
      const running = runSteps(place, columns, steps, onProgress);
      const results = await (onProgress === undefined ? shownIfLong(label, running) : running);
      history.record(label, inversesOf(results.done));
      show(results);
      return results.failures.length === 0;
    },
    record: (label, changes) => {
      history.record(
        label,
        changes.map(({ before, after, data }) => inverseOf(before, after, data)),
      );
      store.update(changes.map(({ after }) => after));
      changed();
    },
    recordInsert: (row) => {
      history.record("new row", [{ kind: "delete", row }]);
      store.refresh();
      changed();
    },
    recordMany: (label, data, rows) => {
      if (rows !== undefined) history.record(label, inversesOfMany(data, rows));
      store.refresh();
      changed();
    },
    undo: () => moveLater("undo"),
    redo: () => moveLater("redo"),
    next: history.next,
    nextAgain: history.nextAgain,
    failures,
    forgetFailures: () => setFailures([]),
  };
}

function inversesOfMany(data: Data, { before, after }: ChangedRows): Step[] {
  const old = new Map(before.map((row) => [row._id, row]));
  return after.flatMap((row) => {
    const was = old.get(row._id);
    return was === undefined ? [] : [inverseOf(was, row, data)];
  });
}

const LONG_MS = 500;

/** What takes longer than that is shown while it runs. */
async function shownIfLong<T>(label: string, work: Promise<T>): Promise<T> {
  let id: string | undefined;
  const timer = setTimeout(() => {
    id = notifications.show({ message: `Storing: ${label}…`, loading: true, autoClose: false });
  }, LONG_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    if (id !== undefined) notifications.hide(id);
  }
}
