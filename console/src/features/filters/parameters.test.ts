import { expect, test } from "vitest";
import { chosen, withField } from "./parameters";

const NAMES = ["action", "actor", "workspace"] as const;

test("the address bar has the filter, and nothing else is sent", () => {
  const parameters = withField(new URLSearchParams("action=user&actor= ada &other=1"), "workspace", "main");
  expect(chosen(NAMES, parameters)).toEqual({ action: "user", actor: "ada", workspace: "main" });
  expect(chosen(NAMES, withField(parameters, "action", ""))).toEqual({ actor: "ada", workspace: "main" });
});
