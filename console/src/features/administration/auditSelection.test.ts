import { expect, test } from "vitest";
import { groupsOf } from "./auditSelection";

test("actions have groups", () => {
  expect(groupsOf(["user.create", "app.create", "user.delete", "app.secret.rotate"])).toEqual([
    "app",
    "user",
  ]);
});
