import { Alert, Button, Group, Modal, NativeSelect, Stack, Text } from "@mantine/core";
import { type SyntheticEvent, useState } from "react";
import { messageOf } from "../../api/errors";
import type { Filter } from "../../api/types";
import type { Column } from "../grid/columns";
import type { TablePlace } from "./changes";
import { type ChangedRows, checkColumn, type ColumnChange, OtherCount, setColumn } from "./setColumn";
import { MAX_ROWS } from "./steps";
import { useDraftGuard } from "./useDraftGuard";
import { ValueEditor } from "./ValueEditor";
import { type Draft, parsed } from "./values";

interface SetColumnDialogProps {
  place: TablePlace;
  /** The columns that can be changed. */
  columns: readonly Column[];
  /** The column that is selected first. */
  first: Column;
  /** The rows; undefined: all rows of the table. */
  query: Filter | undefined;
  onDone: (change: ColumnChange, rows: ChangedRows | undefined, count: number) => void;
  onClose: () => void;
}

interface Checked {
  change: ColumnChange;
  count: number;
}

/** Sets a column in all rows of the filter: counts the rows first, and asks. */
export function SetColumnDialog({ place, columns, first, query, onDone, onClose }: SetColumnDialogProps) {
  const [column, setColumnName] = useState(first);
  const [draft, setDraft] = useState<Draft>(startOf(first));
  const [checked, setChecked] = useState<Checked>();
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  function change(next: Column, value: Draft): void {
    setColumnName(next);
    setDraft(value);
    setChecked(undefined);
    setError(undefined);
  }

  async function run(work: () => Promise<void>): Promise<void> {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (refused) {
      if (refused instanceof OtherCount) setChecked(undefined);
      setError(messageOf(refused));
    }
    setBusy(false);
  }

  async function check(): Promise<void> {
    const result = parsed(draft, column);
    if ("problem" in result) throw new Error(result.problem);
    const wanted = { query, data: { [column.name]: result.value } };
    setChecked({ change: wanted, count: await checkColumn(place, wanted) });
  }

  async function store({ change: wanted, count }: Checked): Promise<void> {
    onDone(wanted, await setColumn(place, wanted, count), count);
  }

  function onSubmit(event: SyntheticEvent): void {
    event.preventDefault();
    if (!isBusy) void run(checked === undefined || checked.count === 0 ? check : () => store(checked));
  }

  const guard = useDraftGuard(draft !== startOf(column), onClose);
  const rows = checked === undefined ? "" : countText(checked.count);
  const isFinal = checked !== undefined && checked.count > MAX_ROWS;
  return (
    <Modal
      opened
      onClose={guard.close}
      closeOnEscape={!guard.isAsking}
      title={query === undefined ? "Set a column in all rows" : "Set a column in all rows of the filter"}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form onSubmit={onSubmit} noValidate>
        <Stack gap="sm">
          <NativeSelect
            label="Column"
            data={columns.map(({ name }) => name)}
            value={column.name}
            onChange={(event) => {
              const next = columns.find(({ name }) => name === event.currentTarget.value) ?? column;
              change(next, startOf(next));
            }}
          />
          <ValueEditor
            key={column.name}
            workspace={place.workspace}
            column={column}
            label="Value"
            draft={draft}
            onChange={(value) => change(column, value)}
          />
          {error !== undefined && (
            <Alert color="red" role="alert">
              {error}
            </Alert>
          )}
          <Text size="sm" role="status">
            {checked !== undefined && (checked.count === 0 ? "No row matches." : `${rows} would change.`)}
          </Text>
          {isFinal && (
            <Alert color="yellow" role="alert">
              This cannot be undone: undo takes back at most {MAX_ROWS.toLocaleString()} rows.
            </Alert>
          )}
          <Group>
            <Button type="submit" loading={isBusy} {...(isFinal ? { color: "red" } : {})}>
              {checked === undefined || checked.count === 0 ? "Count the rows" : `Change ${rows}`}
            </Button>
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
          </Group>
        </Stack>
      </form>
      {guard.dialog}
    </Modal>
  );
}

function startOf({ type, isRequired }: Column): Draft {
  if (!isRequired) return null;
  return type === "boolean" ? "false" : "";
}

export function countText(rows: number): string {
  return `${rows.toLocaleString()} ${rows === 1 ? "row" : "rows"}`;
}
