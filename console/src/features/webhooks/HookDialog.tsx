import { Button, Checkbox, Group, Input, Loader, Modal, Paper, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useFocusBack } from "../../app/useFocusBack";
import { useDraftGuard } from "../editing/useDraftGuard";
import { ErrorNote } from "../people/ErrorNote";
import { tablesQuery } from "../tables/queries";
import { errorsOf, type HookDraft, KINDS, MOST_TABLES, withName } from "./hookDraft";

interface HookDialogProps {
  workspace: string;
  title: string;
  action: string;
  initial: HookDraft;
  onSave: (draft: HookDraft) => Promise<unknown>;
  onClose: () => void;
}

/** The form of a webhook. Errors of the server are shown at their fields. */
export function HookDialog({ workspace, title, action, initial, onSave, onClose }: HookDialogProps) {
  useFocusBack();
  const [draft, setDraft] = useState(initial);
  const save = useMutation({ mutationFn: () => onSave(draft) });
  const guard = useDraftGuard(draft !== initial && !save.isSuccess, onClose);
  const { fields, other } = errorsOf(save.error);
  return (
    <Modal
      opened
      onClose={guard.close}
      closeOnEscape={!guard.isAsking}
      title={title}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack>
          <ErrorNote error={other} />
          <TextInput
            label="URL"
            description="Where messages are sent, such as https://hooks.example/rows"
            required
            data-autofocus
            autoComplete="off"
            spellCheck={false}
            value={draft.url}
            error={fields.url}
            onChange={(event) => setDraft({ ...draft, url: event.currentTarget.value })}
          />
          <TableChoice
            workspace={workspace}
            chosen={draft.tables}
            error={fields.tables}
            onChange={(tables) => setDraft({ ...draft, tables })}
          />
          <fieldset style={{ border: 0, margin: 0, padding: 0 }}>
            <Text component="legend" size="sm" fw={500} mb={4}>
              Changes
            </Text>
            <Group gap="sm">
              {KINDS.map((kind) => (
                <Checkbox
                  key={kind}
                  label={kind}
                  checked={draft.kinds.includes(kind)}
                  onChange={(event) =>
                    setDraft({ ...draft, kinds: withName(draft.kinds, kind, event.currentTarget.checked) })
                  }
                />
              ))}
            </Group>
            <FieldError text={fields.kinds} />
          </fieldset>
          <Group>
            <Button type="submit" loading={save.isPending}>
              {action}
            </Button>
            <Button variant="default" onClick={guard.close}>
              Cancel
            </Button>
          </Group>
        </Stack>
      </form>
      {guard.dialog}
    </Modal>
  );
}

function FieldError({ text }: { text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <Input.Error role="alert" mt={4}>
      {text}
    </Input.Error>
  );
}

interface TableChoiceProps {
  workspace: string;
  chosen: readonly string[];
  error: string | undefined;
  onChange: (tables: string[]) => void;
}

/** The tables whose changes are recorded, and those that are chosen already. */
function TableChoice({ workspace, chosen, error, onChange }: TableChoiceProps) {
  const tables = useQuery(tablesQuery(workspace, "all"));
  const recorded = tables.data?.filter(({ history }) => history !== undefined).map(({ name }) => name) ?? [];
  const names = [...new Set([...recorded, ...chosen])].sort((a, b) => a.localeCompare(b, "en"));
  const isAll = names.length > 0 && names.every((name) => chosen.includes(name));
  return (
    <fieldset style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
      <Text component="legend" size="sm" fw={500} mb={4}>
        Tables
      </Text>
      <ErrorNote error={tables.error} />
      {tables.isPending && <Loader size="sm" aria-label="Loading tables" />}
      {tables.isSuccess && names.length === 0 && (
        <Text size="sm">No table has a history. Turn it on in the definition of a table.</Text>
      )}
      {names.length > 1 && names.length <= MOST_TABLES && (
        <Checkbox
          mb="xs"
          label="All of these"
          checked={isAll}
          indeterminate={!isAll && chosen.length > 0}
          onChange={() => onChange(isAll ? [] : names)}
        />
      )}
      {names.length > 0 && (
        <Paper withBorder p="xs" style={{ maxHeight: 200, overflowY: "auto" }}>
          <Stack gap={6}>
            {names.map((name) => (
              <Checkbox
                key={name}
                label={name}
                checked={chosen.includes(name)}
                onChange={(event) => onChange(withName(chosen, name, event.currentTarget.checked))}
              />
            ))}
          </Stack>
        </Paper>
      )}
      <FieldError text={error} />
      <Text size="xs" c="dimmed" mt={4}>
        Only tables with a history are listed, and at most {MOST_TABLES} can be chosen. Tables that are made
        later are not added.
      </Text>
    </fieldset>
  );
}
