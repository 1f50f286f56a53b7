import { expect, test } from "vitest";
import { type Activity, growthChart, refusalsChart, requestsChart } from "./activity";

function point(time: string, requests: number, refusals: Record<string, number> = {}) {
  return { time, requests, clientErrors: 2, serverErrors: 1, refusals, rows: {} };
}

const activity: Activity = {
  since: "2026-11-27T00:00:00.000Z",
  until: "2026-11-27T03:00:00.000Z",
  stepSeconds: 300,
  points: [
    point("2026-11-27T00:05:00.000Z", 10, { token: 2 }),
    point("2026-11-27T00:55:00.000Z", 20, { rate: 1, busy: 0 }),
    point("2026-11-27T03:00:00.000Z", 5),
  ],
  slowest: [],
  tables: [],
  notices: [],
};

test("requests are summed by hour, also where there were none", () => {
  const chart = requestsChart(activity);
  expect(chart.labels.length).toBe(3);
  expect(chart.series.map(({ values }) => values)).toEqual([
    [24, 0, 2],
    [4, 0, 2],
    [2, 0, 1],
  ]);
});

test("reasons that did not occur are not shown", () => {
  expect(refusalsChart(activity)?.series).toEqual([
    { name: "rate limit", values: [1, 0, 0] },
    { name: "invalid token", values: [2, 0, 0] },
  ]);
  expect(refusalsChart({ ...activity, points: [] })).toBeUndefined();
});

test("a table has no value on days before it was there", () => {
  const day = (text: string, bytes: number) => ({ day: text, rows: 1, bytes });
  const tables = [
    { workspace: "main", table: "a", days: [day("2026-11-26", 5), day("2026-11-27", 9)] },
    { workspace: "main", table: "b", days: [day("2026-11-27", 7)] },
  ];
  const chart = growthChart({ ...activity, tables });
  expect(chart?.labels).toEqual(["2026-11-26", "2026-11-27"]);
  expect(chart?.series).toEqual([
    { name: "a", values: [5, 9] },
    { name: "b", values: [null, 7] },
  ]);
  expect(growthChart(activity)).toBeUndefined();
});
