import { expect, test } from "vitest";
import { limitsOf, NEW_APP, newAppOf, patchOf } from "./appDraft";
import type { App } from "./queries";

const APP: App = {
  name: "bot",
  clientId: "cs-9b510c8b-41ad-42b4-8d6a-849ecf150429",
  algorithm: "HS256",
  publicKey: null,
  enabled: true,
  maxAffected: 10,
  allowAll: false,
  rateLimit: "5/second",
  requireJti: false,
  audience: null,
  requireJwe: false,
  createdOn: "2026-01-01T00:00:00.000Z",
};

test("a change sends only what differs, and null for no limit", () => {
  expect(patchOf(APP, limitsOf(APP))).toEqual({});
  const changed = { ...limitsOf(APP), maxAffected: "", rateLimit: " ", audience: "rows", requireJwe: true };
  expect(patchOf(APP, changed)).toEqual({
    maxAffected: null,
    rateLimit: null,
    audience: "rows",
    requireJwe: true,
  });
});

test("a new app has the credentials that its algorithm needs", () => {
  const draft = { ...NEW_APP, name: " bot ", publicKey: "PEM", clientId: " cs-1 ", clientSecret: "s" };
  expect(newAppOf(draft)).toMatchObject({ name: "bot", algorithm: "HS256", maxAffected: null });
  expect(newAppOf(draft)).not.toHaveProperty("publicKey");
  expect(newAppOf(draft)).not.toHaveProperty("clientSecret");
  expect(newAppOf({ ...draft, isBrought: true })).toMatchObject({ clientId: "cs-1", clientSecret: "s" });
  const paired = newAppOf({ ...draft, algorithm: "RS256", isBrought: true });
  expect(paired).toMatchObject({ publicKey: "PEM" });
  expect(paired).not.toHaveProperty("clientId");
});
