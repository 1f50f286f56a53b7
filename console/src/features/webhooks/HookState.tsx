import { Badge, Text } from "@mantine/core";
import { localTime } from "../grid/cellText";
import { stateOf } from "./hookDraft";
import type { Webhook } from "./queries";

/** Whether a webhook sends messages; if it was paused, when and why. */
export function HookState({ webhook }: { webhook: Webhook }) {
  const { isSending, reason } = stateOf(webhook);
  return (
    <>
      <Badge size="sm" miw="max-content" {...(isSending ? { variant: "default" } : { color: "red.9" })}>
        {isSending ? "enabled" : "paused"}
      </Badge>
      {!isSending && (
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {webhook.pausedOn !== null && `${localTime(webhook.pausedOn)}: `}
          {reason}
        </Text>
      )}
    </>
  );
}
