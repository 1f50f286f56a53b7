/** Runs the steps of one edit. */
import { answered, api } from "../../api/client";
import { ApiError, messageOf } from "../../api/errors";
import { parseExact } from "../../api/exactJson";
import type { Row } from "../../api/types";
import type { Column } from "../grid/columns";
import { deleteRow, PATH, type TablePlace, updateRow } from "./changes";
import { type Done, type Failure, inverseOf, ownValues, type Results, type Step } from "./steps";

const AT_ONCE = 4;

/** Rows are inserted in one request, all or none; others are changed one by one, if their version
 * is still the one of the step. When the server stops responding, the rest is not sent. */
export async function runSteps(
  place: TablePlace,
  columns: readonly Column[],
  steps: readonly Step[],
  onProgress: (done: number) => void = () => undefined,
): Promise<Results> {
  const results: Results = { done: [], failures: [] };
  const inserts = steps.filter((step) => step.kind === "insert");
  const waiting = steps.filter((step) => step.kind !== "insert");
  let stopped: string | undefined;

  async function work(): Promise<void> {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      if (stopped !== undefined) {
        results.failures.push({ step, message: stopped });
        continue;
      }
      try {
        const result = await changed(place, columns, step);
        if ("theirs" in result) results.failures.push(result);
        else results.done.push(result);
      } catch (error) {
        if (endsAll(error)) stopped = messageOf(error);
        results.failures.push({ step, message: messageOf(error) });
      }
      onProgress(results.done.length + results.failures.length);
    }
  }

  if (inserts.length > 0) await insertAll(place, inserts, results);
  onProgress(inserts.length);
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

type Change = Exclude<Step, { kind: "insert" }>;

async function changed(
  place: TablePlace,
  columns: readonly Column[],
  step: Change,
): Promise<Done | (Failure & { theirs: Row | null })> {
  const { row } = step;
  if (step.kind === "delete") {
    const theirs = await deleteRow(place, row);
    if (theirs !== undefined) return { step, theirs };
    return { step, row: null, inverse: { kind: "insert", data: ownValues(row, columns), restores: row } };
  }
  const outcome = await updateRow(place, row, step.data);
  if ("conflict" in outcome) return { step, theirs: outcome.conflict };
  return { step, row: outcome.saved, inverse: inverseOf(row, outcome.saved, step.data) };
}

async function insertAll(
  place: TablePlace,
  steps: readonly (Step & { kind: "insert" })[],
  results: Results,
): Promise<void> {
  try {
    const text = await answered(
      api.POST(`${PATH}/bulk`, {
        params: { path: place },
        body: { data: steps.map(({ data }) => data) },
        parseAs: "text",
      }),
    );
    const { records } = parseExact(text) as { records: Row[] };
    for (const [at, step] of steps.entries()) {
      const row = records[at];
      if (row !== undefined) results.done.push({ step, row, inverse: { kind: "delete", row } });
    }
  } catch (error) {
    const messages = messagesByRow(error);
    for (const [at, step] of steps.entries()) {
      const other = messages.size > 0 ? "Not added, because another row was refused." : messageOf(error);
      results.failures.push({ step, message: messages.get(at) ?? other });
    }
  }
}

/** The errors of a bulk by row: their pointers are such as /data/3/Name. */
function messagesByRow(error: unknown): Map<number, string> {
  const found = new Map<number, string>();
  if (!(error instanceof ApiError)) return found;
  for (const { msg, pointer } of error.problem?.errors ?? []) {
    const at = Number(pointer?.match(/^\/data\/(\d+)(?:\/|$)/)?.[1]);
    if (Number.isInteger(at)) found.set(at, found.has(at) ? `${found.get(at) ?? ""} ${msg}` : msg);
  }
  return found;
}

function endsAll(error: unknown): boolean {
  return !(error instanceof ApiError) || error.isTemporary || error.status === 401 || error.status === 429;
}
