import { Popover, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { ApiError, messageOf } from "../../api/errors";
import type { Cell, Row } from "../../api/types";
import type { Column } from "../grid/columns";
import { ROW_HEIGHT } from "../grid/useVertical";
import { useSession } from "../session/session";
import { ValueEditor } from "./ValueEditor";
import { LeavingGuard } from "./useDraftGuard";
import { useLostDraft } from "./useLostDraft";
import { draftOfCell, parsed } from "./values";

/** Where the focus goes afterwards: it stays, goes to the next or previous cell, or went elsewhere already. */
export type Next = "stay" | "right" | "left" | "elsewhere";

interface CellEditorProps {
  workspace: string;
  row: Row;
  column: Column;
  /** The character that opened the editor: it replaces the value. */
  typed: string | undefined;
  /** Stores the value; `base` is the row as it was when the editor opened. Its error is shown, and the editor stays
   * open. */
  onSave: (value: Cell, base: Row) => Promise<void>;
  onClose: (next: Next) => void;
}

interface Refusal {
  message: string;
  /** Because the session had ended. */
  wasEnded?: boolean;
}

/** Gives the field the focus as soon as it is there: keys that are pressed quickly after the one that opened the editor
 * are for it. (The trap of the popover does it too, but only after a moment.) */
function focusField(editor: HTMLElement | null) {
  editor?.querySelector<HTMLElement>("[data-autofocus]")?.focus({ preventScroll: true });
}

/** Edits one cell in place. Enter stores, Escape leaves the value as it was, Shift+Enter is a new line. */
export function CellEditor({ workspace, row, column, typed, onSave, onClose }: CellEditorProps) {
  const { isEnded } = useSession();
  // what others store meanwhile must be found as a conflict, even if the page has read it
  const [base] = useState(row);
  const before = draftOfCell(base[column.name], column);
  const takesTyped = typed !== undefined && column.type !== "boolean" && column.type !== "date";
  const [draft, setDraft] = useState(takesTyped ? typed : before);
  const [refusal, setRefusal] = useState<Refusal>();
  // after signing in again, it is no longer true
  const error = refusal?.wasEnded === true && !isEnded ? undefined : refusal?.message;
  const [isBusy, setBusy] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const isUnsaved = draft !== before && !isBusy;
  const settle = useLostDraft(column.name, isUnsaved ? draft : undefined);
  const close = (next: Next) => {
    settle();
    onClose(next);
  };
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);

  async function commit(next: Next) {
    if (isBusy) return;
    if (draft === before) {
      close(next);
      return;
    }
    const result = parsed(draft, column);
    if ("problem" in result) {
      setRefusal({ message: result.problem });
      return;
    }
    setBusy(true);
    try {
      await onSave(result.value, base);
      close(next);
    } catch (refused) {
      const message = messageOf(refused);
      if (!isShown.current) {
        // the row was scrolled out of view, or the page was left
        const text = `${column.name} was not changed to "${String(draft)}": ${message}`;
        notifications.show({ color: "red", message: text, autoClose: false });
      }
      setRefusal({ message, wasEnded: refused instanceof ApiError && refused.isSignedOut });
      setBusy(false);
    }
  }

  function onKeyDown(event: KeyboardEvent) {
    event.stopPropagation();
    if (event.key === "Escape") {
      event.preventDefault();
      // what is on its way to the server cannot be taken back by closing
      if (!isBusy) close("stay");
    } else if (event.key === "Enter" && !event.shiftKey && !event.defaultPrevented) {
      event.preventDefault();
      void commit("stay");
    } else if (event.key === "Tab") {
      event.preventDefault();
      void commit(event.shiftKey ? "left" : "right");
    }
  }

  return (
    <Popover
      opened
      position="bottom-start"
      offset={-ROW_HEIGHT}
      trapFocus
      withinPortal
      withRoles={false}
      closeOnEscape={false}
      // it has the focus also while its cell is scrolled away
      hideDetached={false}
      closeOnClickOutside={!isEnded && !isAsking}
      onChange={(isOpen) => {
        if (!isOpen) void commit("elsewhere");
      }}
    >
      <Popover.Target>
        <span style={{ width: "100%", height: "100%" }} />
      </Popover.Target>
      <Popover.Dropdown
        ref={focusField}
        p={6}
        miw={260}
        maw="90vw"
        role="dialog"
        aria-label={`Edit ${column.name}`}
        onKeyDown={onKeyDown}
      >
        <ValueEditor
          workspace={workspace}
          column={column}
          draft={draft}
          before={before}
          onChange={setDraft}
          autoFocus
        />
        {error !== undefined && (
          <Text size="xs" c="red" mt={4} role="alert">
            {error}
          </Text>
        )}
        <Text size="xs" c="dimmed" mt={4}>
          {isBusy ? "Storing…" : "Enter stores, Escape cancels"}
        </Text>
      </Popover.Dropdown>
      {isUnsaved && <LeavingGuard isWholePage onAsking={setAsking} onDiscard={settle} />}
    </Popover>
  );
}
