/** Ages as texts. */
const DAY = 86_400_000;

/** How long ago a moment is, in days. */
export function ageText(since: string, now: number): string {
  const days = Math.max(Math.floor((now - Date.parse(since)) / DAY), 0);
  if (days === 0) return "today";
  return days === 1 ? "1 day" : `${days.toLocaleString()} days`;
}
