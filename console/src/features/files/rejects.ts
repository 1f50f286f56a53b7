/** Rejected rows, as a file has them. */
export interface RejectedRow {
  line: number;
  reasons: string;
}

const SHOWN_REJECTS = 10;

/** The first rows of a file, in as many parts as it comes; more of it is not loaded. */
export async function firstRejects(file: ReadableStream<Uint8Array> | null): Promise<RejectedRow[]> {
  const reader = file?.getReader();
  const decoder = new TextDecoder();
  const lines = [""];
  while (reader !== undefined && lines.length <= SHOWN_REJECTS) {
    const { value, done } = await reader.read();
    if (done) break;
    const [rest = "", ...more] = decoder.decode(value, { stream: true }).split("\n");
    lines.push(`${lines.pop() ?? ""}${rest}`, ...more);
  }
  await reader?.cancel();
  return lines.slice(0, -1).slice(0, SHOWN_REJECTS).map(rejectOf);
}

function rejectOf(line: string): RejectedRow {
  const { line: number, errors } = JSON.parse(line) as { line: number; errors: { msg: string }[] };
  return { line: number, reasons: errors.map(({ msg }) => msg).join(" ") };
}
