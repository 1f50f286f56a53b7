import { Button, Group, List, Paper, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useBeforeUnload, useBlocker } from "react-router";
import { readAgain } from "../../api/queries";
import { ConfirmDialog } from "./ConfirmDialog";
import { type Changes, keyOf, textOf } from "./grants";
import classes from "./GrantMatrix.module.css";
import { type App, appGrantsQuery } from "./queries";
import { setGrant, storeChanges } from "./storeGrants";

interface ChangesBarProps {
  workspace: string;
  apps: readonly App[];
  changes: Changes;
  onChanges: (changes: Changes) => void;
}

const NONE: Changes = new Map();
const LISTED = 100;

/** What is changed but not stored yet, and what was refused. */
export function ChangesBar({ workspace, apps, changes, onChanges }: ChangesBarProps) {
  const queries = useQueryClient();
  const [done, setDone] = useState(0);
  const store = useMutation({
    mutationFn: () => {
      setDone(0);
      return storeChanges(
        changes,
        (clientId) => queries.query({ ...appGrantsQuery(workspace, clientId), staleTime: 0 }),
        (change, rights) => setGrant(workspace, change, rights),
        setDone,
      );
    },
    onSuccess: async (failures) => {
      await readAgain(queries, ["app grants", workspace]);
      onChanges(new Map(failures.map(({ change }) => [keyOf(change), change])));
      const stored = changes.size - failures.length;
      if (stored > 0)
        notifications.show({
          message: stored === 1 ? "1 grant is changed." : `${stored.toLocaleString()} grants are changed.`,
        });
    },
  });
  if (changes.size === 0) return null;
  const names = new Map(apps.map(({ clientId, name }) => [clientId, name]));
  const failures = new Map((store.data ?? []).map((each) => [keyOf(each.change), each.message]));
  return (
    <Paper component="section" aria-label="Changes" withBorder p="sm" m="xs">
      <LeavingGuard />
      <Group gap="xs" mb="xs">
        <Text size="sm" role="status">
          {store.isPending
            ? `${done.toLocaleString()} of ${changes.size.toLocaleString()} are stored`
            : `${changes.size.toLocaleString()} not stored yet`}
        </Text>
        <Button size="xs" loading={store.isPending} onClick={() => store.mutate()}>
          Store changes
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={store.isPending}
          onClick={() => {
            store.reset();
            onChanges(NONE);
          }}
        >
          Discard
        </Button>
      </Group>
      <div className={classes.changes} tabIndex={0} role="region" aria-label="List of changes">
        <List size="sm">
          {[...changes.entries()].slice(0, LISTED).map(([key, change]) => (
            <List.Item key={key}>
              {names.get(change.clientId) ?? change.clientId}, {textOf(change)}
              {failures.has(key) && (
                <Text span c="red" role="alert">
                  {" "}
                  {failures.get(key)}
                </Text>
              )}
            </List.Item>
          ))}
        </List>
        {changes.size > LISTED && (
          <Text size="sm">and {(changes.size - LISTED).toLocaleString()} others</Text>
        )}
      </div>
    </Paper>
  );
}

/** Asks before the page is left with changes that are not stored. */
function LeavingGuard() {
  useBeforeUnload((event) => event.preventDefault());
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => currentLocation.pathname !== nextLocation.pathname,
  );
  if (blocker.state !== "blocked") return null;
  return (
    <ConfirmDialog
      title="Discard the changes?"
      action="Discard"
      error={null}
      isBusy={false}
      onConfirm={() => blocker.proceed()}
      onCancel={() => blocker.reset()}
    >
      <Text size="sm">The grants that you changed are not stored yet.</Text>
    </ConfirmDialog>
  );
}
