/** What the server has counted, as charts. */
import type { components } from "../../api/schema";
import type { ChartData } from "../charts/data";

export type Activity = components["schemas"]["ActivityResponse"];

const HOUR_MS = 3_600_000;
const GROWING = 5;
const REASONS: Record<string, string> = {
  token: "invalid token",
  sign_in: "wrong password",
  grant: "no right",
  origin: "other origin",
  rate: "rate limit",
  quota: "quota",
  busy: "server busy",
};

interface Hour {
  label: string;
  points: Activity["points"];
}

/** The points by hour, also hours in which nothing was counted. */
function hours({ since, until, points }: Activity): Hour[] {
  const start = Date.parse(since);
  const count = Math.max(1, Math.ceil((Date.parse(until) - start) / HOUR_MS));
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const all = Array.from({ length: count }, (_, at): Hour => ({
    label: clock.format(start + at * HOUR_MS),
    points: [],
  }));
  for (const point of points) {
    all[Math.min(Math.floor((Date.parse(point.time) - start) / HOUR_MS), count - 1)]?.points.push(point);
  }
  return all;
}

function total(points: Activity["points"], count: (point: Activity["points"][number]) => number): number {
  return points.reduce((sum, point) => sum + count(point), 0);
}

export function requestsChart(activity: Activity): ChartData {
  const all = hours(activity);
  const values = (count: (point: Activity["points"][number]) => number) =>
    all.map(({ points }) => total(points, count));
  return {
    labels: all.map(({ label }) => label),
    category: "From",
    isStacked: true,
    series: [
      {
        name: "successful",
        values: values((each) => each.requests - each.clientErrors - each.serverErrors),
        color: "blue",
      },
      { name: "refused (4xx)", values: values((each) => each.clientErrors), color: "orange" },
      { name: "failed (5xx)", values: values((each) => each.serverErrors), color: "red" },
    ],
  };
}

/** undefined if nothing was refused. */
export function refusalsChart(activity: Activity): ChartData | undefined {
  const all = hours(activity);
  const reasons = [
    ...new Set(
      activity.points.flatMap(({ refusals }) => Object.keys(refusals).filter((each) => refusals[each])),
    ),
  ].sort();
  if (reasons.length === 0) return undefined;
  return {
    labels: all.map(({ label }) => label),
    category: "From",
    isStacked: true,
    series: reasons.map((reason) => ({
      name: REASONS[reason] ?? reason,
      values: all.map(({ points }) => total(points, ({ refusals }) => refusals[reason] ?? 0)),
    })),
  };
}

/** The bytes of the largest tables by day; undefined if no sizes are stored yet. */
export function growthChart({ tables }: Activity): ChartData | undefined {
  const largest = tables.filter(({ days }) => days.length > 0).slice(0, GROWING);
  if (largest.length === 0) return undefined;
  const labels = [...new Set(largest.flatMap(({ days }) => days.map(({ day }) => day)))].sort();
  const isOne = new Set(largest.map(({ workspace }) => workspace)).size === 1;
  return {
    labels,
    category: "Day",
    unit: "bytes",
    series: largest.map(({ workspace, table, days }) => {
      const sizes = new Map(days.map(({ day, bytes }) => [day, bytes]));
      return {
        name: isOne ? table : `${workspace}: ${table}`,
        values: labels.map((day) => sizes.get(day) ?? null),
      };
    }),
  };
}
