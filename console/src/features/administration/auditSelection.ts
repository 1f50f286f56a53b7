/** Which entries of the audit log are shown, as the address bar has it. */

export const FIELDS = ["since", "until", "actor", "action", "workspace"] as const;

/** The parameters of the API; what is not set is missing. */
export type AuditSelection = Partial<Record<(typeof FIELDS)[number], string>>;

/** The first words of actions: an entry of each finds all actions that begin with it. */
export function groupsOf(actions: readonly string[]): string[] {
  return [...new Set(actions.map((action) => action.split(".")[0] ?? action))].sort();
}
