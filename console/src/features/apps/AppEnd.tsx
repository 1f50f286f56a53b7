import { Button, Group, List, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { readAgain } from "../../api/queries";
import { ErrorNote } from "../people/ErrorNote";
import { ConfirmDialog } from "./ConfirmDialog";
import { type App, appChanged, appGrantsQuery, changeApp, deleteApp, hideSecrets } from "./queries";

interface AppEndProps {
  workspace: string;
  app: App;
}

/** Disables an app for a time, or deletes it for good. */
export function AppEnd({ workspace, app }: AppEndProps) {
  const [isAsking, setAsking] = useState(false);
  const queries = useQueryClient();
  const enable = useMutation({
    mutationFn: (enabled: boolean) => changeApp(workspace, app.clientId, { enabled }),
    onSuccess: (changed) => appChanged(queries, workspace, changed),
  });
  return (
    <section aria-label="End">
      <Title order={2} size="h4" mb="xs">
        {app.enabled ? "Disable or delete" : "Enable or delete"}
      </Title>
      <ErrorNote error={enable.error} />
      <Stack gap="xs">
        <Text size="sm">
          {app.enabled
            ? "While it is disabled, its tokens are refused. Its grants stay."
            : "It is disabled: its tokens are refused. Its grants are still there."}
        </Text>
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            loading={enable.isPending}
            onClick={() => enable.mutate(!app.enabled)}
          >
            {app.enabled ? "Disable" : "Enable"}
          </Button>
          <Button size="xs" variant="outline" color="red" onClick={() => setAsking(true)}>
            Delete
          </Button>
        </Group>
      </Stack>
      {isAsking && <DeleteDialog workspace={workspace} app={app} onCancel={() => setAsking(false)} />}
    </section>
  );
}

function DeleteDialog({ workspace, app, onCancel }: AppEndProps & { onCancel: () => void }) {
  const grants = useQuery(appGrantsQuery(workspace, app.clientId));
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => deleteApp(workspace, app.clientId),
    onSuccess: async () => {
      notifications.show({ message: `${app.name} is deleted.` });
      hideSecrets(queries, app.clientId);
      await navigate(`/w/${workspace}/apps`);
      await readAgain(queries, ["apps", workspace]);
    },
  });
  const count = grants.data?.length;
  return (
    <ConfirmDialog
      title={`Delete ${app.name}?`}
      action="Delete the app"
      error={remove.error}
      isBusy={remove.isPending}
      onConfirm={() => remove.mutate()}
      onCancel={onCancel}
    >
      <Text size="sm">This cannot be undone.</Text>
      <List size="sm">
        <List.Item>Its tokens are refused at once.</List.Item>
        <List.Item>
          {count === undefined ? "Its grants are" : count === 1 ? "Its grant is" : `Its ${count} grants are`}{" "}
          deleted.
        </List.Item>
        <List.Item>The rows that it wrote stay, with its id in Created_By and Updated_By.</List.Item>
      </List>
    </ConfirmDialog>
  );
}
