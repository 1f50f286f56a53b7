import { type ReactNode, useState } from "react";
import { flushSync } from "react-dom";
import { LeavingGuard } from "../editing/useDraftGuard";

interface PageGuard {
  /** Leaves the page after its draft was stored: it does not ask. */
  leave: (go: () => void) => void;
  dialog: ReactNode;
}

/** Asks before a page is left whose draft is not stored. */
export function usePageGuard(isChanged: boolean): PageGuard {
  const [isLeaving, setLeaving] = useState(false);
  return {
    leave: (go) => {
      flushSync(() => setLeaving(true));
      go();
    },
    dialog: isChanged && !isLeaving && <LeavingGuard isWholePage onDiscard={() => undefined} />,
  };
}
