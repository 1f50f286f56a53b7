import { expect, test } from "vitest";
import { fromLocalInput, toLocalInput } from "./localInput";

test.each(["2020-03-28T07:02:09.652Z", "2024-02-29T23:59:59.000Z", "1999-07-01T00:00:00.000Z"])(
  "%s survives an input",
  (time) => {
    expect(fromLocalInput(toLocalInput(time))).toBe(time);
  },
);

test.each(["", "soon"])("%s is not a time", (text) => {
  expect(toLocalInput(text)).toBe("");
  expect(fromLocalInput(text)).toBe("");
});
