import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { readAgain } from "./queries";

test("a first load that began before a change does not show what was before", async () => {
  const queries = new QueryClient();
  const answers: ((value: string) => void)[] = [];
  const observer = new QueryObserver(queries, {
    queryKey: ["row", "main", "people", "1"],
    queryFn: () => new Promise<string>((resolve) => answers.push(resolve)),
  });
  const stop = observer.subscribe(() => undefined);
  await expect.poll(() => answers.length).toBe(1);
  const again = readAgain(queries, ["row", "main"]);
  await expect.poll(() => answers.length).toBe(2);
  answers[1]?.("after the change");
  answers[0]?.("before the change");
  await again;
  expect(observer.getCurrentResult().data).toBe("after the change");
  stop();
});
