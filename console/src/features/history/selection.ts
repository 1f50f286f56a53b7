/** Which operations are shown, as the address bar has it, and the request that undoes them. */

export const FIELDS = ["table", "writer", "since", "until"] as const;
export type Field = (typeof FIELDS)[number];
export type Selection = Partial<Record<Field, string>>;

/** The address of the page with this filter. */
export function historyAddress(workspace: string, selection: Selection): string {
  return `/w/${workspace}/history?${new URLSearchParams(selection).toString()}`;
}

/** What an undo undoes: one operation, or all changes that match. */
export interface Undoing {
  operation?: string;
  app?: string;
  user?: string;
  tables?: string[];
  since?: string;
  until?: string;
}

/** An id as in Updated_By is taken in both members. */
export function undoingOf({ table, writer, since, until }: Selection): Undoing {
  return {
    ...(writer === undefined ? {} : { [writer.startsWith("cs-") ? "app" : "user"]: writer }),
    ...(table === undefined ? {} : { tables: [table] }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

/** From how many rows on their number is typed to confirm. */
export const MANY_ROWS = 20;

interface Counts {
  nRestored: number;
  nChanged: number;
  nRemoved: number;
}

export const rowsOf = ({ nRestored, nChanged, nRemoved }: Counts) => nRestored + nChanged + nRemoved;

export function countsText({ nRestored, nChanged, nRemoved }: Counts): string {
  return `${nRestored} restored, ${nChanged} set back, ${nRemoved} removed`;
}

/** Whether the number of rows, which was typed, confirms. */
export function isConfirmed(counts: Counts, typed: string): boolean {
  const rows = rowsOf(counts);
  return rows > 0 && (rows < MANY_ROWS || typed.trim() === String(rows));
}
