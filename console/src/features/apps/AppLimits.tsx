import { Button, Group, Stack, TextInput, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useDraftGuard } from "../editing/useDraftGuard";
import { ErrorNote } from "../people/ErrorNote";
import { type Limits, limitsOf, patchOf } from "./appDraft";
import { LimitFields } from "./LimitFields";
import { type App, appChanged, changeApp } from "./queries";

interface AppLimitsProps {
  workspace: string;
  app: App;
}

/** The name and the limits of an app. */
export function AppLimits({ workspace, app }: AppLimitsProps) {
  const [draft, setDraft] = useState<Limits | null>(null); // null: nothing is changed
  const limits = draft ?? limitsOf(app);
  const patch = patchOf(app, limits);
  const isChanged = Object.keys(patch).length > 0;
  const queries = useQueryClient();
  const guard = useDraftGuard(isChanged, () => setDraft(null));
  const save = useMutation({
    mutationFn: () => changeApp(workspace, app.clientId, patch),
    onSuccess: async (changed) => {
      await appChanged(queries, workspace, changed);
      setDraft(null);
      notifications.show({ message: `${changed.name} is changed.` });
    },
  });
  return (
    <form
      aria-label="Limits"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Title order={2} size="h4" mb="xs">
        Name and limits
      </Title>
      <ErrorNote error={save.error} />
      <Stack gap="sm">
        <TextInput
          label="Name"
          required
          value={limits.name}
          onChange={(event) => setDraft({ ...limits, name: event.currentTarget.value })}
        />
        <LimitFields limits={limits} onChange={setDraft} />
        <Group>
          <Button size="xs" type="submit" disabled={!isChanged} loading={save.isPending}>
            Save changes
          </Button>
          {isChanged && (
            <Button size="xs" variant="subtle" onClick={() => setDraft(null)}>
              Discard
            </Button>
          )}
        </Group>
      </Stack>
      {guard.dialog}
    </form>
  );
}
