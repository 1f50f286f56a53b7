import { beforeEach, expect, test, vi } from "vitest";
import { ApiError, unreachable } from "../../api/errors";
import type { Row } from "../../api/types";
import { MAX_OPERATIONS, operationsOf, piecesOf, type Planned } from "./batches";
import { runSteps } from "./runSteps";
import type { Step } from "./steps";

const sent: Planned[][] = [];
const respond = vi.fn<(planned: Planned[]) => unknown>();
const stored = new Map<unknown, Row>();

vi.mock("../../api/client", () => ({}));
vi.mock("./batches", async (original) => ({
  ...(await original<typeof import("./batches")>()),
  sendBatch: (_: unknown, planned: Planned[]) => {
    sent.push(planned);
    const refused = respond(planned);
    if (refused instanceof Error) return Promise.reject(refused);
    return Promise.resolve(planned.map(({ steps }) => ({ records: steps.map(after) })));
  },
}));
vi.mock("../grid/rowQueries", () => ({
  readPage: () => Promise.resolve({ rows: [...stored.values()], hasMore: false }),
}));

const row = (id: number, version = 1): Row => ({ _id: `${id}`, Updated_On: `${version}`, n: 0 });
const update = (id: number, n = 1): Step => ({ kind: "update", row: row(id), data: { n } });
const insert = (n: number): Step => ({ kind: "insert", data: { n } });

function after(step: Step): Row {
  if (step.kind === "insert") return { _id: "new", Updated_On: "2", ...step.data };
  return step.kind === "delete" ? step.row : { ...step.row, ...step.data, Updated_On: "2" };
}

function refused(code: string, pointer: string, msg = "no"): ApiError {
  const problem = { type: "", title: "", status: 422, code, detail: msg, errors: [{ msg, code, pointer }] };
  return new ApiError(422, problem as never);
}

const run = (steps: Step[]) => runSteps({ workspace: "main", table: "people" }, [], steps);

beforeEach(() => {
  sent.length = 0;
  stored.clear();
  respond.mockReset();
});

test("many changes are one request", async () => {
  const steps = [...Array.from({ length: 500 }, (_, id) => update(id)), insert(1), insert(2)];
  const { done, failures } = await run(steps);
  expect([sent.length, sent[0]?.length, done.length, failures.length]).toEqual([1, 501, 502, 0]);
});

test("a piece is bounded by its operations and its size", () => {
  const many = Array.from({ length: MAX_OPERATIONS + 1 }, (_, id) => update(id));
  expect(piecesOf(many).map(({ length }) => length)).toEqual([MAX_OPERATIONS, 1]);
  const large: Step = { kind: "insert", data: { text: "x".repeat(400_000) } };
  expect(piecesOf([large, { ...large }]).map(({ length }) => length)).toEqual([1, 1]);
  expect(piecesOf([])).toEqual([]);
});

test("a row that was refused is named, and the others are stored", async () => {
  respond.mockReturnValueOnce(refused("invalid_value", "/operations/1/data/n", "Operation 1: not 1."));
  const { done, failures } = await run([update(0), update(1), update(2)]);
  expect(failures).toEqual([{ step: update(1), message: "not 1." }]);
  expect(done.map(({ row: now }) => now?._id)).toEqual(["0", "2"]);
  expect(sent.map(({ length }) => length)).toEqual([3, 2]);
});

test("new rows are added all or none", async () => {
  respond.mockReturnValueOnce(
    refused("unique_violation", "/operations/1/data/1/Code", "Operation 1: twice."),
  );
  const { done, failures } = await run([update(0), insert(1), insert(2)]);
  const other = "Not added, because another row was refused.";
  expect(failures.map((each) => ("message" in each ? each.message : ""))).toEqual([other, "twice."]);
  expect(done).toHaveLength(1);
});

test("all rows that others have changed are found at once; one with the same values is done", async () => {
  for (const id of [0, 1, 2, 3]) stored.set(`${id}`, row(id, id === 1 ? 7 : 1));
  stored.delete("2");
  stored.set("3", { ...row(3, 7), n: 1 });
  respond.mockReturnValueOnce(refused("affected_out_of_bounds", "/operations/1/minAffected"));
  const { done, failures } = await run([update(0), update(1), update(2), update(3)]);
  expect(failures).toEqual([
    { step: update(1), theirs: row(1, 7) },
    { step: update(2), theirs: null },
  ]);
  expect(done.map(({ row: now }) => now?._id)).toEqual(["3", "0"]);
  expect(sent).toHaveLength(2);
});

test.each([unreachable(), new ApiError(500, undefined)])(
  "when the server fails, nothing more is sent, and all can be tried again: %s",
  async (error) => {
    respond.mockReturnValueOnce(error);
    const { done, failures } = await run(Array.from({ length: MAX_OPERATIONS + 5 }, (_, id) => update(id)));
    expect([sent.length, done.length, failures.length]).toEqual([1, 0, MAX_OPERATIONS + 5]);
    expect(failures.every((each) => "message" in each && each.canRepeat)).toBe(true);
  },
);

test("too many refusals end, and every row is accounted for", async () => {
  respond.mockImplementation(() => refused("invalid_value", "/operations/0/data/n"));
  const { failures } = await run(Array.from({ length: 100 }, (_, id) => update(id)));
  expect(failures).toHaveLength(100);
  expect(sent.length).toBeLessThan(30);
});

test("an operation changes exactly the version that was read", () => {
  const [planned] = operationsOf("people", [{ kind: "delete", row: row(4) }]);
  expect(planned?.operation).toEqual({
    op: "delete",
    table: "people",
    minAffected: 1,
    query: {
      expressions: [
        { field: "_id", operand: "=", value: "4" },
        { field: "Updated_On", operand: "=", value: "1" },
      ],
    },
  });
});
