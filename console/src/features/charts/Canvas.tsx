/** Draws a chart. This is loaded only where there is one. */
import { useComputedColorScheme } from "@mantine/core";
import {
  ArcElement,
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PieController,
  PointElement,
  Tooltip,
} from "chart.js";
import { useEffect, useRef } from "react";
import { type ChartData, type Drawing, valueText } from "./data";

Chart.register(
  ArcElement,
  BarController,
  BarElement,
  CategoryScale,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PieController,
  PointElement,
  Tooltip,
);

const COLORS = ["blue", "orange", "teal", "grape", "red", "lime", "indigo", "yellow", "pink", "cyan"];

interface CanvasProps {
  drawing: Drawing;
  data: ChartData;
  label: string;
}

export function Canvas({ drawing, data, label }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    if (canvas.current === null) return;
    const chart = new Chart(canvas.current, configuration(drawing, data));
    return () => chart.destroy();
  }, [drawing, data, scheme]);
  return (
    <canvas ref={canvas} role="img" aria-label={`${label}: the numbers are in the table that follows`} />
  );
}

function configuration(drawing: Drawing, data: ChartData): ChartConfiguration {
  const styles = getComputedStyle(document.documentElement);
  const variable = (name: string) => styles.getPropertyValue(`--mantine-${name}`).trim();
  const color = (name: string) => variable(`color-${name}-6`);
  const text = variable("color-text");
  const line = variable("color-default-border");
  const isPie = drawing === "pie";
  const axis = { stacked: data.isStacked === true, grid: { color: line }, border: { color: line } };
  return {
    type: drawing === "area" ? "line" : drawing,
    data: {
      labels: data.labels,
      datasets: data.series.map(({ name, values, color: given }, at) => {
        const own = color(given ?? colorName(at));
        const all = isPie ? values.map((_, slice) => color(colorName(slice))) : own;
        return {
          label: name,
          data: values,
          borderColor: isPie ? variable("color-body") : own,
          backgroundColor: drawing === "area" ? `${own}55` : all,
          borderWidth: drawing === "bar" ? 0 : 2,
          fill: drawing === "area",
          pointRadius: values.length > 60 ? 0 : 2,
          spanGaps: true,
        };
      }),
    },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      color: text,
      interaction: { mode: isPie ? "nearest" : "index", intersect: isPie },
      scales: isPie
        ? {}
        : {
            x: { ...axis, grid: { display: false }, ticks: { color: text, maxRotation: 45, autoSkip: true } },
            y: {
              ...axis,
              beginAtZero: true,
              ticks: { color: text, callback: (value) => valueText(Number(value), data.unit) },
            },
          },
      plugins: {
        legend: { display: isPie || data.series.length > 1, labels: { color: text, boxWidth: 12 } },
        tooltip: {
          callbacks: {
            label: ({ dataset, raw, label }) =>
              `${isPie ? label : (dataset.label ?? "")}: ${valueText(raw as number | null, data.unit)}`,
          },
        },
      },
    },
  };
}

function colorName(at: number): string {
  return COLORS[at % COLORS.length] ?? "gray";
}
