import { expect, test } from "vitest";
import { notUploaded } from "./notUploaded";

test("files that were not uploaded are named, but not all of many", () => {
  expect(notUploaded(["a.csv", "b.csv"], "Why.")).toBe("Not uploaded: a.csv, b.csv. Why.");
  const names = Array.from({ length: 12 }, (_, at) => `${at}.csv`);
  expect(notUploaded(names, "Why.")).toBe("Not uploaded: 0.csv, 1.csv, 2.csv, 3.csv, 4.csv and 7 more. Why.");
});
