import { type ReactNode, useState } from "react";
import { flushSync } from "react-dom";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { LeavingGuard } from "../editing/useDraftGuard";
import { definitionsChanged } from "./api";

interface PageGuard {
  /** Goes to another page after the draft was stored: it does not ask. */
  leave: (to: string) => void;
  dialog: ReactNode;
}

/** Asks before the page of a definition is left whose draft is not stored. */
export function usePageGuard(isChanged: boolean): PageGuard {
  const [isLeaving, setLeaving] = useState(false);
  const navigate = useNavigate();
  const queries = useQueryClient();
  return {
    leave: (to) => {
      flushSync(() => setLeaving(true));
      void definitionsChanged(queries);
      void navigate(to);
    },
    dialog: isChanged && !isLeaving && <LeavingGuard isWholePage onDiscard={() => undefined} />,
  };
}
