/** Times in inputs of the browser, which have no zone: they are in the zone of the reader. */

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const padded = (value: number, length = 2) => String(value).padStart(length, "0");

/** The text of a datetime-local input for a time of the API; empty if it is not a time. Zones that once had an offset
 * with seconds, such as a local mean time, keep them. */
export function toLocalInput(text: string): string {
  const time = new Date(text);
  // inputs have no year before 1; it is NaN if this is no time
  if (!(time.getFullYear() >= 1)) return "";
  const day = `${padded(time.getFullYear(), 4)}-${padded(time.getMonth() + 1)}-${padded(time.getDate())}`;
  const clock = `${padded(time.getHours())}:${padded(time.getMinutes())}:${padded(time.getSeconds())}`;
  const part = time.getMilliseconds() === 0 ? "" : `.${padded(time.getMilliseconds(), 3)}`;
  return `${day}T${clock}${part}`;
}

/** The times that are the same in the zone of the reader as a time of the API: two, the earlier one first, in the hour
 * that comes twice when clocks are set back; otherwise one, or none if it is not a time. */
export function timesLike(text: string): string[] {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return [];
  const at = (ms: number) => new Date(time.getTime() + ms);
  const setBack = (at(DAY_MS).getTimezoneOffset() - at(-DAY_MS).getTimezoneOffset()) * MINUTE_MS;
  // NaN next to the last day that there is
  const others = setBack > 0 ? [at(-setBack), at(setBack)].filter((other) => isLike(other, time)) : [];
  return [time, ...others].map((each) => each.toISOString()).sort();
}

function isLike(one: Date, other: Date): boolean {
  const local = toLocalInput(one.toISOString());
  return local !== "" && local === toLocalInput(other.toISOString());
}

/** The time of the API for the text of such an input; empty if it is empty or not complete. Of two times, it is the
 * earlier one, unless `former` was the later one of two. */
export function fromLocalInput(text: string, former = ""): string {
  const time = new Date(text);
  if (text === "" || Number.isNaN(time.getTime())) return "";
  const [first = "", second] = timesLike(time.toISOString());
  return second !== undefined && isLater(former) ? second : first;
}

function isLater(text: string): boolean {
  const [, second] = timesLike(text);
  return second !== undefined && new Date(text).toISOString() === second;
}
