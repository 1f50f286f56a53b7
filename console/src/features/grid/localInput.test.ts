import { expect, test, vi } from "vitest";
import { fromLocalInput, toLocalInput } from "./localInput";

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
