import { expect, test, vi } from "vitest";
import { fromLocalInput, timesLike, toLocalInput } from "./localInput";

const ZONES = ["UTC", "America/St_Johns", "Asia/Kathmandu", "Europe/Amsterdam", "Africa/Monrovia"];

test.each(ZONES)("times survive an input in %s, also where its offset had seconds", (zone) => {
  vi.stubEnv("TZ", zone);
  for (const time of [
    "2020-03-28T07:02:09.652Z",
    "2024-02-29T23:59:59.000Z",
    "1999-07-01T00:00:00.000Z",
    "1935-05-01T00:00:00.001Z",
    "1900-01-01T00:00:00.000Z",
    "0099-12-31T23:59:59.000Z",
    "0001-01-02T00:00:00.000Z",
  ])
    expect(fromLocalInput(toLocalInput(time))).toBe(time);
  vi.unstubAllEnvs();
});

test("an offset of 3:30:52 is that of the time", () => {
  vi.stubEnv("TZ", "America/St_Johns");
  expect(toLocalInput("1900-01-01T00:00:00.000Z")).toBe("1899-12-31T20:29:08");
  expect(toLocalInput("0001-01-01T00:00:00.000Z")).toBe("");
  vi.unstubAllEnvs();
});

test.each(["", "soon"])("%s is not a time", (text) => {
  expect(toLocalInput(text)).toBe("");
  expect(fromLocalInput(text)).toBe("");
});

test("an hour that comes twice has two times, and a change stays in its own one", () => {
  vi.stubEnv("TZ", "Europe/Amsterdam");
  const [first = "", second = ""] = timesLike("2026-10-25T01:30:00Z");
  expect([first, second]).toEqual(["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"]);
  expect(timesLike(first)).toEqual([first, second]);
  expect(fromLocalInput(toLocalInput(first), second)).toBe(second);
  expect(fromLocalInput(toLocalInput(first), first)).toBe(first);
  expect(fromLocalInput(toLocalInput(first), "2026-10-25T02:30:00Z")).toBe(first);
  expect(fromLocalInput("2026-10-25T02:59", second)).toBe("2026-10-25T01:59:00.000Z");
  expect(fromLocalInput("2026-10-25T03:00", second)).toBe("2026-10-25T02:00:00.000Z");
  // the hours around it, and clocks that are set forward
  for (const time of ["2026-03-29T00:59:59.000Z", "2026-03-29T01:00:00.000Z", "2026-10-25T02:00:00.000Z"])
    expect(timesLike(time)).toEqual([time]);
  vi.stubEnv("TZ", "Australia/Lord_Howe");
  expect(timesLike("2026-04-04T14:45:00.000Z")).toEqual([
    "2026-04-04T14:45:00.000Z",
    "2026-04-04T15:15:00.000Z",
  ]);
  vi.unstubAllEnvs();
  expect(timesLike("+275760-09-13T00:00:00.000Z")).toHaveLength(1);
  expect(timesLike("soon")).toEqual([]);
});
