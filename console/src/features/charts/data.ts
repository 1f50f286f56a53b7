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

export function valueText(value: number | null, unit?: "bytes"): string {
  if (value === null) return "";
  return unit === "bytes" ? bytesText(value) : value.toLocaleString(undefined, { maximumFractionDigits: 6 });
}
