/** Runs the steps of one edit. */
import { ApiError, messageOf } from "../../api/errors";
import type { Row } from "../../api/types";
import type { Column } from "../grid/columns";
import { readPage } from "../grid/rowQueries";
import { operationsOf, piecesOf, type Planned, sendBatch } from "./batches";
import type { TablePlace } from "./changes";
import { type Done, type Failure, holds, inverseOf, ownValues, type Results, type Step } from "./steps";

/** After as many refusals, the other rows of a batch are not tried again. */
const MAX_REFUSALS = 20;
const PAGE = 100;

/** Each batch is one transaction. If the server refuses one of its steps, nothing of it is stored: the step is set
 * aside and the others are sent again. A row that is not the version of its step any more is set aside, too. When
 * the server stops responding, the rest is not sent. */
export async function runSteps(
  place: TablePlace,
  columns: readonly Column[],
  steps: readonly Step[],
  onProgress: (done: number) => void = () => undefined,
): Promise<Results> {
  const results: Results = { done: [], failures: [] };
  let stopped: Stopped | undefined;
  for (const piece of piecesOf(steps)) {
    const ended = stopped;
    if (ended === undefined) stopped = await runPiece(place, columns, piece, results);
    else results.failures.push(...piece.map((step) => ({ step, ...ended })));
    onProgress(results.done.length + results.failures.length);
  }
  return results;
}

/** Why nothing more is sent. */
interface Stopped {
  message: string;
  canRepeat: boolean;
}

async function runPiece(
  place: TablePlace,
  columns: readonly Column[],
  piece: readonly Step[],
  results: Results,
): Promise<Stopped | undefined> {
  let left = piece;
  for (let refusals = 0; left.length > 0; refusals++) {
    const planned = operationsOf(place.table, left);
    try {
      const answers = await sendBatch(place, planned);
      planned.forEach(({ steps }, at) => results.done.push(...doneOf(steps, answers[at]?.records, columns)));
      return undefined;
    } catch (error) {
      if (endsAll(error)) {
        const stopped = { message: messageOf(error), canRepeat: true };
        results.failures.push(...left.map((step) => ({ step, ...stopped })));
        return stopped;
      }
      const aside = await setAside(place, left, planned, error);
      results.done.push(...aside.done);
      results.failures.push(...aside.failures);
      const settled = new Set([...aside.done, ...aside.failures].map(({ step }) => step));
      left = left.filter((step) => !settled.has(step));
      if (refusals >= MAX_REFUSALS) {
        const message = "Not changed, because too many other rows were refused.";
        results.failures.push(...left.map((step) => ({ step, message, canRepeat: true })));
        return undefined;
      }
    }
  }
  return undefined;
}

function doneOf(
  steps: readonly Step[],
  records: readonly Row[] | undefined,
  columns: readonly Column[],
): Done[] {
  return steps.map((step, at): Done => {
    if (step.kind === "delete") {
      const { row } = step;
      return { step, row: null, inverse: { kind: "insert", data: ownValues(row, columns), restores: row } };
    }
    if (step.kind === "insert") {
      const row = records?.[at] ?? {};
      return { step, row, inverse: { kind: "delete", row } };
    }
    const row = records?.[0] ?? { ...step.row, ...step.data };
    return { step, row, inverse: inverseOf(step.row, row, step.data) };
  });
}

/** The steps because of which a batch was refused; with `done`, those that need not be sent any more. */
async function setAside(
  place: TablePlace,
  steps: readonly Step[],
  planned: readonly Planned[],
  error: unknown,
): Promise<Results> {
  try {
    if (error instanceof ApiError && error.code === "affected_out_of_bounds") {
      const changed = await changedByOthers(place, steps);
      if (changed.done.length + changed.failures.length > 0) return changed;
    }
    return { done: [], failures: refusedBy(error, planned) };
  } catch (other) {
    return { done: [], failures: steps.map((step) => ({ step, message: messageOf(other) })) };
  }
}

/** The steps whose row is another version now, all at once: each would make the batch fail. */
async function changedByOthers(place: TablePlace, steps: readonly Step[]): Promise<Results> {
  const changes = steps.filter((step) => step.kind !== "insert");
  const now = await rowsNow(
    place,
    changes.map(({ row }) => row),
  );
  const results: Results = { done: [], failures: [] };
  for (const step of changes) {
    const theirs = now.get(step.row._id) ?? null;
    if (theirs !== null && theirs.Updated_On === step.row.Updated_On) continue;
    if (theirs !== null && step.kind === "update" && holds(theirs, step.data)) {
      results.done.push({ step, row: theirs, inverse: inverseOf(step.row, theirs, step.data) });
    } else results.failures.push({ step, theirs });
  }
  return results;
}

/** These rows as they are now, by their ids. */
async function rowsNow({ workspace, table }: TablePlace, rows: readonly Row[]): Promise<Map<unknown, Row>> {
  const source = { workspace, kind: "tables", name: table } as const;
  const found = new Map<unknown, Row>();
  for (let start = 0; start < rows.length; start += PAGE) {
    const value = rows.slice(start, start + PAGE).map(({ _id }) => String(_id));
    const query = { expressions: [{ field: "_id", operand: "in" as const, value }] };
    const page = await readPage(source, { query, limit: PAGE });
    for (const row of page.rows) found.set(row._id, row);
  }
  return found;
}

/** The steps that an error names; all, if it names none. */
function refusedBy(error: unknown, planned: readonly Planned[]): Failure[] {
  const messages = messagesByStep(error, planned);
  if (messages.size === 0 || (error instanceof ApiError && [403, 404].includes(error.status))) {
    const message = withoutOperation(messageOf(error));
    return planned.flatMap(({ steps }) => steps.map((step) => ({ step, message })));
  }
  return planned.flatMap(({ steps }) => {
    if (!steps.some((step) => messages.has(step))) return [];
    const other = "Not added, because another row was refused.";
    return steps.map((step) => ({ step, message: messages.get(step) ?? other }));
  });
}

/** A person knows no operations, only rows. */
function withoutOperation(message: string): string {
  return message.replace(/^Operation \d+: /, "");
}

/** The messages of an error by step: its pointers are such as /operations/2/data/3/Name. */
function messagesByStep(error: unknown, planned: readonly Planned[]): Map<Step, string> {
  const found = new Map<Step, string>();
  if (!(error instanceof ApiError)) return found;
  for (const { msg, pointer } of error.problem?.errors ?? []) {
    const [, operation, row] = pointer?.match(/^\/operations\/(\d+)(?:\/data\/(\d+)(?=\/|$))?/) ?? [];
    const steps = planned[Number(operation)]?.steps ?? [];
    const step = steps[steps.length > 1 ? Number(row) : 0];
    const message = withoutOperation(msg);
    if (step !== undefined) found.set(step, [found.get(step), message].filter(Boolean).join(" "));
  }
  return found;
}

function endsAll(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true;
  return error.isTemporary || error.status >= 500 || error.status === 401 || error.status === 429;
}
