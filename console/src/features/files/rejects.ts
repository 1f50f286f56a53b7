/** Rejected rows, as a file has them. */
export interface RejectedRow {
  line: number;
  reasons: string;
}

const SHOWN_REJECTS = 10;

/** The rows in the first part of a file, whose last line can be cut. */
export function firstRejects(text: string): RejectedRow[] {
  const lines = text.split("\n").slice(0, -1).slice(0, SHOWN_REJECTS);
  return lines.map((line) => {
    const { line: number, errors } = JSON.parse(line) as { line: number; errors: { msg: string }[] };
    return { line: number, reasons: errors.map(({ msg }) => msg).join(" ") };
  });
}
