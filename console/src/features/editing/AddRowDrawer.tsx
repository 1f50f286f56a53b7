import { Alert, Button, Drawer, Group, Stack, Textarea } from "@mantine/core";
import { memo, type SyntheticEvent, useState } from "react";
import { ApiError, messageOf } from "../../api/errors";
import type { Cell, Row } from "../../api/types";
import type { Column } from "../grid/columns";
import { insertRow, type TablePlace } from "./changes";
import { useDraftGuard } from "./useDraftGuard";
import { ValueEditor } from "./ValueEditor";
import { type Draft, parsed } from "./values";

interface AddRowFormProps {
  place: TablePlace;
  columns: readonly Column[];
  /** The values to start with. */
  initial: Drafts;
  onAdded: (row: Row) => void;
  onChanged: () => void;
}

const GONE = "The table no longer has this column, so this is not stored.";

export type Drafts = Record<string, Draft>;

interface AddRowDrawerProps extends Omit<AddRowFormProps, "initial" | "onChanged"> {
  /** undefined: closed. */
  initial: Drafts | undefined;
  onClose: () => void;
}

/** Adds a row by a form. A column that is not filled in gets its default. */
export const AddRowDrawer = memo(function AddRowDrawer({
  initial,
  onClose,
  onAdded,
  columns,
  ...form
}: AddRowDrawerProps) {
  const [isChanged, setChanged] = useState(false);
  const guard = useDraftGuard(isChanged, () => {
    setChanged(false);
    onClose();
  });
  return (
    <Drawer
      opened={initial !== undefined}
      onClose={guard.close}
      closeOnEscape={!guard.isAsking}
      title="Add a row"
      position="right"
      // a click next to it would lose what was typed
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {initial !== undefined && (
        <AddRowForm
          {...form}
          columns={columns.filter(({ isSystem }) => !isSystem)}
          initial={initial}
          onChanged={() => setChanged(true)}
          onAdded={(row) => {
            setChanged(false);
            onAdded(row);
          }}
        />
      )}
      {guard.dialog}
    </Drawer>
  );
});

function AddRowForm({ place, columns, initial, onAdded, onChanged }: AddRowFormProps) {
  const [drafts, setDrafts] = useState(initial);
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const [opened] = useState(columns);
  const names = new Set(columns.map(({ name }) => name));
  const gone = opened.filter(({ name }) => !names.has(name) && drafts[name] !== undefined);

  async function submit(event: SyntheticEvent) {
    event.preventDefault();
    const data: Record<string, Cell> = {};
    const found: Record<string, string> = {};
    for (const column of columns) {
      const draft = drafts[column.name];
      if (draft === undefined) continue;
      const result = parsed(draft, column);
      if ("problem" in result) found[column.name] = result.problem;
      else data[column.name] = result.value;
    }
    setProblems(found);
    setError(undefined);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      onAdded(await insertRow(place, data, initial));
    } catch (refused) {
      setBusy(false);
      setProblems(problemsOf(refused));
      setError(messageOf(refused));
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Stack gap="sm">
        {error !== undefined && (
          <Alert color="red" role="alert">
            {error}
          </Alert>
        )}
        {gone.map(({ name }) => (
          <Textarea
            key={name}
            size="xs"
            label={name}
            value={drafts[name] ?? ""}
            error={GONE}
            readOnly
            autosize
          />
        ))}
        {columns.map((column, at) => (
          <ValueEditor
            key={column.name}
            workspace={place.workspace}
            column={column}
            label={column.name}
            draft={shownDraft(drafts[column.name], column)}
            error={problems[column.name]}
            autoFocus={at === 0}
            onChange={(draft) => {
              setDrafts((current) => ({ ...current, [column.name]: draft }));
              onChanged();
            }}
          />
        ))}
        <Group>
          <Button type="submit" loading={isBusy}>
            Add
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The errors of the server by column: their pointers are such as /data/Name. */
function problemsOf(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  const entries = (error.problem?.errors ?? []).flatMap(({ msg, pointer }) => {
    const name = pointer?.match(/^\/data\/(?:0\/)?([^/]+)$/)?.[1];
    return name === undefined ? [] : [[name, msg] as const];
  });
  return Object.fromEntries(entries);
}

function shownDraft(draft: Draft | undefined, { type }: Column): Draft {
  if (draft !== undefined) return draft;
  return type === "boolean" ? null : "";
}
