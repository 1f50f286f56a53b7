import { expect, test, vi } from "vitest";

vi.mock("../../app/place", () => ({ API_ADDRESS: "http://rowkeep.example/shop" }));
vi.mock("../../api/client", () => ({}));
const { failureOf, openIdAddress } = await import("./methods");

test.each([
  ["", undefined],
  ["#rkl_token", undefined],
  ["#error=user_disabled", "Your user is disabled. Ask an administrator."],
  ["#error=toString", "The sign-in has failed. Try again; if it fails again, ask an administrator."],
])("why a sign-in has failed: %s", (hash, message) => {
  expect(failureOf(hash)).toBe(message);
});

test("a sign-in at the provider ends at the page that was asked for", () => {
  const start = "http://rowkeep.example/shop/api/v1/session/openid";
  expect(openIdAddress("/")).toBe(start);
  expect(openIdAddress("/w/main/tables?a=b&c")).toBe(`${start}?next=%2Fw%2Fmain%2Ftables%3Fa%3Db%26c`);
});
