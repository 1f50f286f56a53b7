import { expect, test } from "vitest";
import { ApiError } from "../../api/errors";
import { bodyOf, draftOf, errorsOf, formerUntil, outcomeOf, patchOf, stateOf, withName } from "./hookDraft";
import type { Delivery, Webhook } from "./queries";

const HOOK: Webhook = {
  id: "wh-5e7ef67172034b39ac000006",
  url: "https://hooks.example/rows",
  tables: ["people", "orders"],
  kinds: ["insert", "update"],
  enabled: true,
  pausedOn: null,
  pausedReason: null,
  nPending: 0,
  createdOn: "2026-11-27T07:02:09.652Z",
};

const DELIVERY: Delivery = {
  id: "dl-5e7ef67172034b39ac000007",
  type: "people.update",
  state: "delivered",
  createdOn: HOOK.createdOn,
  attempts: 1,
  lastAttemptOn: HOOK.createdOn,
  nextAttemptOn: null,
  status: 204,
  error: null,
  durationMs: 87,
};

function refused(...errors: { msg: string; pointer?: string }[]): ApiError {
  const entries = errors.map((each) => ({ ...each, code: "invalid_url" as const }));
  const detail = errors[0]?.msg ?? "";
  return new ApiError(422, {
    type: "",
    title: "",
    status: 422,
    code: "invalid_url",
    detail,
    errors: entries,
  });
}

test("only what differs is sent, in whatever order the lists are", () => {
  const draft = draftOf(HOOK);
  expect(patchOf(HOOK, draft)).toEqual({});
  const tables = [...draft.tables].reverse();
  expect(patchOf(HOOK, { ...draft, tables, url: ` ${HOOK.url} ` })).toEqual({});
  const other = { url: "https://hooks.example/v2", tables: ["people"], kinds: ["delete"] as const };
  expect(patchOf(HOOK, other)).toEqual(bodyOf(other));
  expect(withName(["a", "b"], "a", false)).toEqual(["b"]);
  expect(withName(["a", "b"], "b", true)).toEqual(["a", "b"]);
});

test("errors are shown at their fields, and others above the form", () => {
  const error = refused(
    { msg: "no address", pointer: "/url" },
    { msg: "no table", pointer: "/tables/3" },
    { msg: "second", pointer: "/tables/4" },
  );
  expect(errorsOf(error)).toEqual({ fields: { url: "no address", tables: "no table" }, other: null });
  for (const other of [
    refused({ msg: "full" }),
    new Error("lost"),
    refused({ msg: "no", pointer: "/urls" }),
  ]) {
    expect(errorsOf(other)).toEqual({ fields: {}, other });
  }
  expect(errorsOf(null)).toEqual({ fields: {}, other: null });
});

test("a webhook that does not send says why", () => {
  expect(stateOf(HOOK)).toEqual({ isSending: true, reason: "" });
  expect(stateOf({ ...HOOK, enabled: false })).toEqual({
    isSending: false,
    reason: "It was paused by a user.",
  });
  const paused = { ...HOOK, pausedOn: HOOK.createdOn, pausedReason: "Gone" };
  expect(stateOf(paused)).toEqual({ isSending: false, reason: "Gone" });
});

test("an outcome has the status, the error and the time", () => {
  expect(outcomeOf(DELIVERY)).toBe("status 204 (87 ms)");
  expect(outcomeOf({ ...DELIVERY, status: null, error: "no response", durationMs: 15 })).toBe(
    "no response (15 ms)",
  );
  expect(outcomeOf({ ...DELIVERY, status: null, durationMs: null })).toBe("");
  expect(formerUntil(Date.UTC(2026, 0, 1))).toBe("2026-01-02T00:00:00.000Z");
});
