import { useEffect } from "react";

/** Gives the focus back to what had it before, for a dialog that is only there while it is open. */
export function useFocusBack(): void {
  useEffect(() => {
    const before = document.activeElement;
    return () => {
      if (before instanceof HTMLElement && document.activeElement === document.body) before.focus();
    };
  }, []);
}
