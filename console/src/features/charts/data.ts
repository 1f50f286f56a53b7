/** What a chart shows. */
import { bytesText } from "../tables/size";

export type Drawing = "bar" | "line" | "area" | "pie";

export interface Series {
  name: string;
  /** One for each label; null is no value. */
  values: (number | null)[];
  /** The name of a color of the theme. */
  color?: string;
}

export interface ChartData {
  labels: string[];
  /** What the labels are, for the table of the numbers. */
  category: string;
  series: Series[];
  isStacked?: boolean;
  unit?: "bytes";
}

/** Why a chart would show nothing, or something wrong. */
export function notDrawn(drawing: Drawing, { series }: ChartData): string | undefined {
  const values = series.flatMap((each) => each.values).filter((value) => value !== null);
  if (values.length === 0) return "There is no value to draw: all are null.";
  if (drawing !== "pie") return undefined;
  if (values.some((value) => value < 0)) return "A pie cannot show negative values. Choose bars or lines.";
  return values.every((value) => value === 0)
    ? "A pie cannot show only zeros. Choose bars or lines."
    : undefined;
}

export function valueText(value: number | null, unit?: "bytes"): string {
  if (value === null) return "";
  return unit === "bytes" ? bytesText(value) : value.toLocaleString(undefined, { maximumFractionDigits: 6 });
}
