/** Which entries of the audit log are shown, as the address bar has it. */

/** The parameters of the API; what is not set is missing. */
export interface AuditSelection {
  since?: string;
  until?: string;
  actor?: string;
  action?: string;
  workspace?: string;
}

export const FIELDS = ["since", "until", "actor", "action", "workspace"] as const;

export function selectionOf(parameters: URLSearchParams): AuditSelection {
  const given = FIELDS.map((name) => [name, parameters.get(name)?.trim() ?? ""] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ""));
}

/** The parameters of the address bar, with one of them changed. */
export function withField(
  parameters: URLSearchParams,
  name: (typeof FIELDS)[number],
  value: string,
): URLSearchParams {
  const next = new URLSearchParams(parameters);
  if (value === "") next.delete(name);
  else next.set(name, value);
  return next;
}

/** The first words of actions: an entry of each finds all actions that begin with it. */
export function groupsOf(actions: readonly string[]): string[] {
  return [...new Set(actions.map((action) => action.split(".")[0] ?? action))].sort();
}

/** A time of the API for an input of the browser, which has the zone of the reader, and back. */
export function toInput(time: string | undefined): string {
  if (time === undefined) return "";
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  const here = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return here.toISOString().slice(0, 16);
}

export function fromInput(text: string): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}
