/** Steps as operations of batches: one request and one transaction for as many as fit. */
import { answered, api, writtenOnce } from "../../api/client";
import { parseExact } from "../../api/exactJson";
import type { Comparison, Row } from "../../api/types";
import type { components } from "../../api/schema";
import type { TablePlace } from "./changes";
import type { Step } from "./steps";

/** The server accepts as many operations in a batch. */
export const MAX_OPERATIONS = 1000;
/** Characters of JSON: in UTF-8 they are less than the least limit of a body that the server can have. */
export const MAX_CHARACTERS = 600_000;

export type Operation = components["schemas"]["BatchBody"]["operations"][number];

/** An operation, and the steps that it does: one change, or inserts that follow each other. */
export interface Planned {
  operation: Operation;
  steps: readonly Step[];
}

export interface OperationResult {
  records?: Row[];
}

/** Steps in their order, in as few batches as the limits allow. */
export function piecesOf(steps: readonly Step[]): Step[][] {
  const pieces: Step[][] = [];
  let size = 0;
  for (const step of steps) {
    const length = JSON.stringify(step.kind === "delete" ? step.row._id : step.data).length + 200;
    const piece = pieces.at(-1);
    if (piece === undefined || piece.length >= MAX_OPERATIONS || size + length > MAX_CHARACTERS) {
      pieces.push([step]);
      size = length;
    } else {
      piece.push(step);
      size += length;
    }
  }
  return pieces;
}

export function operationsOf(table: string, steps: readonly Step[]): Planned[] {
  const planned: Planned[] = [];
  let inserts: Step[] = [];
  for (const step of steps) {
    if (step.kind === "insert") {
      inserts.push(step);
      continue;
    }
    planned.push(...bulkOf(table, inserts));
    inserts = [];
    const { query, minAffected } = thisVersion(step.row);
    // the document describes the filters of batches loosely, because of references in them
    const change = { table, query: query as never, minAffected };
    const operation: Operation =
      step.kind === "delete" ? { op: "delete", ...change } : { op: "update", ...change, data: step.data };
    planned.push({ operation, steps: [step] });
  }
  return [...planned, ...bulkOf(table, inserts)];
}

function bulkOf(table: string, inserts: readonly Step[]): Planned[] {
  if (inserts.length === 0) return [];
  const data = inserts.map((step) => (step.kind === "insert" ? step.data : {}));
  return [{ operation: { op: "bulk", table, data }, steps: inserts }];
}

/** Exactly the version of a row that was read. */
export function thisVersion(row: Row) {
  const equal = (field: string): Comparison => ({ field, operand: "=", value: String(row[field]) });
  return { query: { expressions: [equal("_id"), equal("Updated_On")] }, minAffected: 1 };
}

/** Does all operations, or none. */
export async function sendBatch(
  { workspace }: TablePlace,
  planned: readonly Planned[],
): Promise<OperationResult[]> {
  const first = planned[0]?.steps[0];
  if (first === undefined) return [];
  const operations = planned.map(({ operation }) => operation);
  const text = await writtenOnce(first, operations, (key) =>
    answered(
      api.POST("/api/v1/workspaces/{workspace}/data/batch", {
        params: { path: { workspace }, header: { "Idempotency-Key": key } },
        body: { operations },
        parseAs: "text",
      }),
    ),
  );
  return (parseExact(text) as { results: OperationResult[] }).results;
}
