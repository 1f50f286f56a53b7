const MOST_NAMES = 5;

/** Says which files were not uploaded, and why. */
export function notUploaded(names: readonly string[], reason: string): string {
  const listed = names.slice(0, MOST_NAMES).join(", ");
  const more = names.length > MOST_NAMES ? ` and ${(names.length - MOST_NAMES).toLocaleString()} more` : "";
  return `Not uploaded: ${listed}${more}. ${reason}`;
}
