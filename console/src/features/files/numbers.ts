/** How numbers are written in a file of text, found by its first rows. */
import { proposedOf } from "./mapping";
import type { FileReading, Inspected } from "./requests";

const WITH_COMMA = /^[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+$/;

/** A decimal comma, if whole columns have one and no number has a point; otherwise nothing. */
export function guessedNumbers(inspected: Inspected): FileReading | undefined {
  if (inspected.detected.format !== "csv") return undefined;
  const { schemaDef } = proposedOf(inspected);
  if (schemaDef.some(({ type }) => type === "number" || type === "decimal")) return undefined;
  const columns = inspected.columns
    .filter((_, at) => schemaDef[at]?.type === "string")
    .map(({ label }) => inspected.rows.flatMap((row) => row[label] ?? []));
  const found = columns.filter(
    (values) => values.length > 0 && values.every((value) => WITH_COMMA.test(value)),
  );
  if (found.length === 0) return undefined;
  return {
    decimal: ",",
    thousands: found.some((values) => values.some((each) => each.includes("."))) ? "." : "",
  };
}
