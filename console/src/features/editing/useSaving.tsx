import { notifications } from "@mantine/notifications";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { messageOf } from "../../api/errors";
import type { Cell, Row } from "../../api/types";
import type { Column } from "../grid/columns";
import { type TablePlace, updateRow } from "./changes";
import { type Conflict, ConflictDialog } from "./ConflictDialog";
import { FailuresDialog } from "./FailuresDialog";
import { countText } from "./SetColumnDialog";
import type { EditHistory, Shown } from "./useHistory";

interface Saving {
  /** Stores the value of one cell, or asks in a conflict. Throws what the server refuses. */
  save: (row: Row, column: Column, mine: Cell) => Promise<void>;
  dialogs: ReactNode;
}

const OTHERS = {
  changed: "Somebody else has changed this row.",
  deleted: "Somebody else has deleted this row.",
};

/** Stores values, and shows what could not be stored: conflicts with somebody else, and what undo left undone. */
export function useSaving(
  place: TablePlace,
  columns: readonly Column[],
  history: EditHistory,
  shown: Shown,
  onDone: () => void,
): Saving {
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);

  async function save(row: Row, column: Column, mine: Cell): Promise<void> {
    const data = { [column.name]: mine };
    const outcome = await updateRow(place, row, data);
    if ("saved" in outcome) {
      setConflict(null);
      history.record(`edit of ${column.name}`, [{ before: row, after: outcome.saved, data }]);
    } else {
      // nobody sees a question on a page that was left
      if (!isShown.current) throw new Error(OTHERS[outcome.conflict === null ? "deleted" : "changed"]);
      setConflict({ column, mine, before: row, theirs: outcome.conflict });
    }
  }

  const dialogs = (
    <>
      {conflict !== null && (
        <ConflictDialog
          key={String(conflict.theirs?.Updated_On)}
          conflict={conflict}
          onTake={() => {
            if (conflict.theirs === null) shown.refresh();
            else shown.update([conflict.theirs]);
            setConflict(null);
            onDone();
          }}
          onOverwrite={async () => {
            if (conflict.theirs === null) return;
            await save(conflict.theirs, conflict.column, conflict.mine);
            onDone();
          }}
        />
      )}
      {history.failures.length > 0 && (
        <FailuresDialog
          failures={history.failures}
          columns={columns}
          onClose={() => {
            history.forgetFailures();
            onDone();
          }}
          onStore={(steps) => {
            history.forgetFailures();
            history
              .run(`change of ${countText(steps.length)}`, steps)
              .catch(
                (error: unknown) => void notifications.show({ color: "red", message: messageOf(error) }),
              );
            onDone();
          }}
        />
      )}
    </>
  );
  return { save, dialogs };
}
