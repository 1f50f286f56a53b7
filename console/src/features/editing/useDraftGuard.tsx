import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { NavigationType, useBeforeUnload, useBlocker } from "react-router";

export interface DraftGuard {
  /** Closes what is edited; asks first if something would be lost. */
  close: () => void;
  /** While it asks, Escape belongs to the question. */
  isAsking: boolean;
  dialog: ReactNode;
}

/** Asks before what was typed is lost: when a dialog is closed, and when the page is left or loaded again. */
export function useDraftGuard(isChanged: boolean, onDiscard: () => void): DraftGuard {
  const [isAsking, setAsking] = useState(false);
  const discard = () => {
    setAsking(false);
    onDiscard();
  };
  return {
    close: () => (isChanged ? setAsking(true) : onDiscard()),
    isAsking,
    dialog: (
      <>
        {isChanged && <LeavingGuard onDiscard={discard} />}
        {isAsking && <DiscardDialog onDiscard={discard} onCancel={() => setAsking(false)} />}
      </>
    ),
  };
}

interface LeavingGuardProps {
  /** Whether the draft is the page itself, which links leave too; a dialog covers them. */
  isWholePage?: boolean;
  onAsking?: (isAsking: boolean) => void;
  onDiscard: () => void;
}

/** Asks when the browser goes back to another page, or leaves the console. */
export function LeavingGuard({ isWholePage = false, onAsking, onDiscard }: LeavingGuardProps) {
  useBeforeUnload((event) => event.preventDefault());
  const blocker = useBlocker(
    ({ historyAction, currentLocation, nextLocation }) =>
      (isWholePage || historyAction === NavigationType.Pop) &&
      currentLocation.pathname !== nextLocation.pathname,
  );
  const isAsking = blocker.state === "blocked";
  useEffect(() => onAsking?.(isAsking), [onAsking, isAsking]);
  if (!isAsking) return null;
  return (
    <DiscardDialog
      onDiscard={() => {
        blocker.proceed();
        onDiscard();
      }}
      onCancel={() => blocker.reset()}
    />
  );
}

interface DiscardDialogProps {
  onDiscard: () => void;
  onCancel: () => void;
}

const ABOVE_DRAWERS = 300;

/** Mounted only while it asks: if it was there before, the Escape that opens it would also close it. */
function DiscardDialog({ onDiscard, onCancel }: DiscardDialogProps) {
  const [focused] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      if (focused instanceof HTMLElement) focused.focus();
    },
    [focused],
  );
  return (
    <Modal
      opened
      onClose={onCancel}
      title="Discard what you typed?"
      zIndex={ABOVE_DRAWERS}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack>
        <Text size="sm">It is not stored yet.</Text>
        <Group>
          <Button color="red" onClick={onDiscard}>
            Discard
          </Button>
          <Button variant="default" data-autofocus onClick={onCancel}>
            Continue editing
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
