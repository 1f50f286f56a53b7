import { expect, test } from "vitest";
import { stepsBeyond } from "./useDragScroll";

const box = { left: 100, right: 500, top: 50, bottom: 450 };

test.each([
  [300, 200, 0, 0],
  [300, 445, 1, 0],
  [300, 460, 1, 0],
  [300, 500, 3, 0],
  [300, 5000, 20, 0],
  [300, 40, -1, 0],
  [300, -100, -7, 0],
  [495, 200, 0, 1],
  [105, 200, 0, -1],
])("a pointer at %d, %d", (x, y, rows, columns) => {
  expect(stepsBeyond(x, y, box)).toEqual({ rows, columns });
});
