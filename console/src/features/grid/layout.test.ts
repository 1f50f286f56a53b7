import { expect, test } from "vitest";
import type { Column } from "./columns";
import { EMPTY, moved, readLayout, resized, toggled, visible } from "./layout";

const columns = ["a", "b", "c", "d"].map((name): Column => ({
  name,
  type: "string",
  isSystem: false,
  isRequired: false,
  isEncrypted: false,
}));
const names = (layout: typeof EMPTY) =>
  visible(columns, layout)
    .map(({ name }) => name)
    .join("");

test("columns are moved, hidden and pinned", () => {
  expect(names(EMPTY)).toBe("abcd");
  expect(names(moved(columns, EMPTY, "d", "b"))).toBe("adbc");
  expect(names(moved(columns, EMPTY, "a", "c"))).toBe("bcad");
  expect(names(toggled(EMPTY, "hidden", "b"))).toBe("acd");
  expect(names(toggled(toggled(EMPTY, "pinned", "c"), "hidden", "b"))).toBe("cad");
  expect(names(toggled(toggled(EMPTY, "pinned", "c"), "pinned", "c"))).toBe("abcd");
});

test("new columns of a table follow the ordered ones", () => {
  expect(names({ ...EMPTY, order: ["d", "gone", "a"] })).toBe("dabc");
});

test("widths have bounds", () => {
  expect(resized(EMPTY, "a", 5).widths).toEqual({ a: 60 });
  expect(resized(EMPTY, "a", 5000).widths).toEqual({ a: 800 });
});

test.each([null, "", "null", "[]", '{"order":1,"widths":{"a":"x"},"hidden":[1]}'])(
  "what is stored as %s",
  (text) => {
    expect(readLayout(text)).toEqual(EMPTY);
  },
);

test("a layout is read as it was stored", () => {
  const layout = { order: ["b"], hidden: ["a"], pinned: ["c"], widths: { a: 90 } };
  expect(readLayout(JSON.stringify(layout))).toEqual(layout);
});
