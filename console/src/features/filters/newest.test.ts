import { expect, test } from "vitest";
import { Newest } from "./newest";

const of = (text: string) => new URLSearchParams(text);
const set = (name: string, value: string) => (parameters: URLSearchParams) => {
  const changed = new URLSearchParams(parameters);
  changed.set(name, value);
  return changed;
};

test("a change that is shown late does not undo the one after it", () => {
  const newest = new Newest(of(""));
  newest.edit(set("chart", "[1]"));
  newest.edit(set("sort", "Name"));
  newest.shown(of("chart=[1]"));
  expect(newest.edit(set("search", "a b")).toString()).toBe("chart=%5B1%5D&sort=Name&search=a+b");
  newest.shown(of("chart=[1]&sort=Name&search=a%20b"));
  expect(newest.edit(set("search", "c")).get("sort")).toBe("Name");
});

test("the address bar wins when somebody goes elsewhere", () => {
  const newest = new Newest(of("search=a"));
  newest.edit(set("search", "b"));
  newest.shown(of("sort=Name"));
  expect(newest.edit(set("search", "c")).toString()).toBe("sort=Name&search=c");
});
