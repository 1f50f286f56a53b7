import { expect, test } from "vitest";
import { fromInput, groupsOf, selectionOf, toInput, withField } from "./auditSelection";

test("the address bar has the filter, and nothing else is sent", () => {
  const parameters = withField(new URLSearchParams("action=user&actor= ada &other=1"), "workspace", "main");
  expect(selectionOf(parameters)).toEqual({ action: "user", actor: "ada", workspace: "main" });
  expect(selectionOf(withField(parameters, "action", ""))).toEqual({ actor: "ada", workspace: "main" });
});

test("times of inputs are in the zone of the reader", () => {
  const time = "2026-03-01T10:30:00.000Z";
  expect(fromInput(toInput(time))).toBe(time);
  expect([toInput(undefined), toInput("soon"), fromInput("")]).toEqual(["", "", ""]);
});

test("actions have groups", () => {
  expect(groupsOf(["user.create", "app.create", "user.delete", "app.secret.rotate"])).toEqual([
    "app",
    "user",
  ]);
});
