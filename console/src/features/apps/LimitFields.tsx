import { Checkbox, SimpleGrid, Stack, TextInput } from "@mantine/core";
import type { Limits } from "./appDraft";

interface LimitFieldsProps {
  limits: Limits;
  onChange: (limits: Limits) => void;
}

/** What an app may do, and what its tokens need. */
export function LimitFields({ limits, onChange }: LimitFieldsProps) {
  const set = (changed: Partial<Limits>) => onChange({ ...limits, ...changed });
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <TextInput
          size="sm"
          label="Rate limit"
          description="Requests to each table, such as 600/minute;18000/hour. “none” for any number; empty for the setting of the server."
          value={limits.rateLimit}
          onChange={(event) => set({ rateLimit: event.currentTarget.value })}
        />
        <TextInput
          size="sm"
          label="Rows that one update or delete may affect"
          description="Empty for any number."
          inputMode="numeric"
          pattern="[0-9]*"
          value={limits.maxAffected}
          onChange={(event) => set({ maxAffected: event.currentTarget.value })}
        />
        <TextInput
          size="sm"
          label="Audience"
          description="What must be in “aud” of its tokens. Empty for anything."
          value={limits.audience}
          onChange={(event) => set({ audience: event.currentTarget.value })}
        />
      </SimpleGrid>
      <Checkbox
        label="May update and delete all rows at once"
        description="With the filter {“all”: true}."
        checked={limits.allowAll}
        onChange={(event) => set({ allowAll: event.currentTarget.checked })}
      />
      <Checkbox
        label="Each token is for one request"
        description="Tokens need “jti” and “exp”."
        checked={limits.requireJti}
        onChange={(event) => set({ requireJti: event.currentTarget.checked })}
      />
      <Checkbox
        label="Tokens are encrypted"
        description="With a JWE key, which is shown once. Without this, an existing key is deleted."
        checked={limits.requireJwe}
        onChange={(event) => set({ requireJwe: event.currentTarget.checked })}
      />
    </Stack>
  );
}
