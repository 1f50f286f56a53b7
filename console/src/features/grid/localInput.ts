/** Times in inputs of the browser, which have no zone: they are in the zone of the reader. */

/** The text of a datetime-local input for a time of the API; empty if it is not a time. */
export function toLocalInput(text: string): string {
  const time = new Date(text);
  if (text === "" || Number.isNaN(time.getTime())) return "";
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString();
  return time.getMilliseconds() === 0 ? local.slice(0, 19) : local.slice(0, 23);
}

/** The time of the API for the text of such an input; empty if it is empty or not complete. */
export function fromLocalInput(text: string): string {
  const time = new Date(text);
  return text === "" || Number.isNaN(time.getTime()) ? "" : time.toISOString();
}
