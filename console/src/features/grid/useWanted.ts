import { useEffect } from "react";

/** Reports the visible rows whenever they change. */
export function useWanted(
  onVisible: (first: number, last: number) => void,
  first: number,
  last: number,
  total: number,
): void {
  useEffect(() => onVisible(first, Math.max(last, first)), [onVisible, first, last, total]);
}
