/** Times in inputs of the browser, which have no zone: they are in the zone of the reader. */

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

/** The time of the API for the text of such an input; empty if it is empty or not complete. */
export function fromLocalInput(text: string): string {
  const time = new Date(text);
  return text === "" || Number.isNaN(time.getTime()) ? "" : time.toISOString();
}
