import { Alert, Button, Group, List, Loader, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { useFocusBack } from "../../app/useFocusBack";
import { messageOf } from "../../api/errors";
import type { Kind } from "../tables/listed";
import { tablesQuery, viewsQuery } from "../tables/queries";
import { deleteDefinition, readGrants } from "./api";
import { usersOf } from "./dependants";
import { isChangedMeanwhile } from "./problems";

const CHANGED =
  "Somebody else has changed it meanwhile. Nothing was deleted. Load the page again to see the change.";

interface DeleteDefinitionProps {
  workspace: string;
  kind: Kind;
  name: string;
  tag: string;
  onDeleted: () => void;
  onClose: () => void;
}

/** Asks before a table or view is deleted: shows what refers to it and which apps use it. */
export function DeleteDefinition({ workspace, kind, name, tag, onDeleted, onClose }: DeleteDefinitionProps) {
  useFocusBack();
  const isTable = kind === "tables";
  const tables = useQuery({ ...tablesQuery(workspace, "all"), enabled: isTable });
  const views = useQuery({ ...viewsQuery(workspace, "all"), enabled: isTable });
  const apps = useQuery({
    queryKey: ["grants", workspace, kind, name],
    queryFn: () => readGrants(workspace, kind, name),
  });
  const [typed, setTyped] = useState("");
  const remove = useMutation({
    mutationFn: () => deleteDefinition(workspace, kind, name, tag),
    onSuccess: onDeleted,
  });
  const users = isTable ? usersOf(name, tables.data ?? [], views.data ?? []) : [];
  const isLoading = apps.isPending || (isTable && (tables.isPending || views.isPending));
  const mayDelete = users.length === 0 && !isLoading && (!isTable || typed === name);
  function submit(event: SyntheticEvent): void {
    event.preventDefault();
    if (mayDelete && !remove.isPending) remove.mutate();
  }
  return (
    <Modal
      opened
      onClose={onClose}
      title={`Delete ${isTable ? "table" : "view"} ${name}?`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form onSubmit={submit}>
        <Stack>
          {isLoading && <Loader size={16} aria-label="Loading" />}
          {remove.error !== null && (
            <Alert color="red" role="alert">
              {isChangedMeanwhile(remove.error) ? CHANGED : messageOf(remove.error)}
            </Alert>
          )}
          {users.length > 0 ? (
            <>
              <Text size="sm">It cannot be deleted while it is used. Change or delete these first:</Text>
              <List size="sm" aria-label="Uses the table">
                {users.map((each) => (
                  <List.Item key={each}>{each}</List.Item>
                ))}
              </List>
            </>
          ) : (
            <>
              <Text size="sm">
                {isTable
                  ? "All its rows are deleted. This cannot be undone."
                  : "Its tables and their rows stay as they are."}
              </Text>
              {apps.data !== undefined && apps.data.length > 0 && (
                <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                  These apps can no longer use it: {apps.data.join(", ")}.
                </Text>
              )}
              {isTable && (
                <TextInput
                  label={`To confirm, type the name of the table: ${name}`}
                  value={typed}
                  data-autofocus
                  autoComplete="off"
                  onChange={(event) => setTyped(event.currentTarget.value)}
                />
              )}
            </>
          )}
          <Group>
            <Button type="submit" color="red" disabled={!mayDelete} loading={remove.isPending}>
              Delete
            </Button>
            <Button variant="default" onClick={onClose} {...(isTable ? {} : { "data-autofocus": true })}>
              Cancel
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
