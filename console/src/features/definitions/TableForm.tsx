import { Checkbox, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import type { Table } from "../../api/types";
import { AddButton } from "./AddButton";
import { ColumnEditor, withValue } from "./ColumnEditor";
import { IndexEditor } from "./IndexEditor";
import { ItemList } from "./ItemList";
import { NameFields } from "./NameFields";
import { PartTitle } from "./PartTitle";
import { type Problem, problemsAt } from "./problems";
import {
  columnSummary,
  type IndexDraft,
  indexSummary,
  NEW_HISTORY,
  newColumn,
  newIndex,
  renameColumn,
  type TableDraft,
} from "./tableDraft";

interface TableFormProps {
  draft: TableDraft;
  tables: readonly Table[];
  problems: readonly Problem[];
  open: number | null;
  onOpen: (id: number | null) => void;
  onChange: (draft: TableDraft) => void;
}

const SYSTEM = ["Updated_On", "Created_On", "Updated_By", "Created_By"];
const SYSTEM_DATES = ["Updated_On", "Created_On"];

/** A table as a form. */
export function TableForm(props: TableFormProps) {
  const { draft, tables, problems, open, onOpen, onChange } = props;
  const set = (changes: Partial<TableDraft>) => onChange({ ...draft, ...changes });
  const addColumn = () => {
    const column = newColumn();
    set({ columns: [...draft.columns, column] });
    onOpen(column.id);
  };
  return (
    <Stack>
      <NameFields noun="table" isNew={draft.was === null} draft={draft} problems={problems} onChange={set} />
      <PartTitle text="Columns" />
      <ItemList
        label="Columns"
        noun="column"
        items={draft.columns}
        open={open}
        onOpen={onOpen}
        name={({ name }) => name}
        summary={columnSummary}
        problems={problemsAt(problems, "schemaDef")}
        onChange={(columns) => set({ columns })}
        renderEditor={(column, at) => (
          <ColumnEditor
            draft={draft}
            column={column}
            tables={tables}
            problems={problems}
            pointer={`/schemaDef/${at}`}
            onName={(name) => onChange(renameColumn(draft, column.id, name))}
            onChange={(changed) => set({ columns: draft.columns.with(at, changed) })}
            onNext={addColumn}
          />
        )}
      />
      <AddButton label="Add column" onClick={addColumn} />
      <Indexes {...props} />
      <Retention draft={draft} problems={problems} onChange={onChange} />
      <HistoryOfRows draft={draft} problems={problems} onChange={onChange} />
    </Stack>
  );
}

function Indexes({ draft, problems, open, onOpen, onChange }: TableFormProps) {
  const own = draft.columns.filter(
    ({ type, isEncrypted, name }) => type !== "json" && !isEncrypted && name !== "",
  );
  const names = [...own.map(({ name }) => name), ...SYSTEM];
  const set = (indexes: IndexDraft[]) => onChange({ ...draft, indexes });
  return (
    <>
      <PartTitle text="Indexes" />
      <ItemList
        label="Indexes"
        noun="index"
        items={draft.indexes}
        open={open}
        onOpen={onOpen}
        name={({ name }) => name}
        summary={indexSummary}
        problems={problemsAt(problems, "indexes")}
        onChange={set}
        renderEditor={(index, at) => (
          <IndexEditor
            index={index}
            columns={names}
            problems={problems}
            pointer={`/indexes/${at}`}
            onChange={(changed) => set(draft.indexes.with(at, changed))}
          />
        )}
      />
      <AddButton
        label="Add index"
        onClick={() => {
          const used = new Set(draft.indexes.map(({ columns }) => columns[0]?.name));
          const index = newIndex(own.find(({ name }) => !used.has(name))?.name);
          set([...draft.indexes, index]);
          onOpen(index.id);
        }}
      />
    </>
  );
}

/** Named apart from the History of browsers. */
function HistoryOfRows({
  draft,
  problems,
  onChange,
}: Pick<TableFormProps, "draft" | "problems" | "onChange">) {
  const { history } = draft;
  const set = (changed: TableDraft["history"]) => onChange({ ...draft, history: changed });
  const problem = problems.find(({ pointer }) => pointer.startsWith("/history"))?.text;
  return (
    <Stack gap="xs">
      <PartTitle text="History" />
      <Checkbox
        label="Record all changes of rows"
        checked={history !== null}
        onChange={(event) => set(event.currentTarget.checked ? NEW_HISTORY : null)}
      />
      {history !== null && (
        <TextInput
          label="Days to store them"
          size="xs"
          w={150}
          inputMode="numeric"
          value={history.keepDays}
          error={problem}
          onChange={(event) => set({ keepDays: event.currentTarget.value })}
        />
      )}
    </Stack>
  );
}

function Retention({ draft, problems, onChange }: Pick<TableFormProps, "draft" | "problems" | "onChange">) {
  const { retention } = draft;
  const dates = draft.columns
    .filter(({ type, name }) => type === "date" && name !== "")
    .map(({ name }) => name);
  const set = (changed: TableDraft["retention"]) => onChange({ ...draft, retention: changed });
  const problem = problems.find(({ pointer }) => pointer.startsWith("/retention"))?.text;
  return (
    <Stack gap="xs">
      <PartTitle text="Old rows" />
      <Checkbox
        label="Delete rows when they are old"
        checked={retention !== null}
        onChange={(event) => set(event.currentTarget.checked ? { column: "Created_On", days: "365" } : null)}
      />
      {retention !== null && (
        <Group gap="sm" align="flex-start">
          <TextInput
            label="After days"
            size="xs"
            w={110}
            inputMode="numeric"
            value={retention.days}
            error={problem}
            onChange={(event) => set({ ...retention, days: event.currentTarget.value })}
          />
          <NativeSelect
            label="Counted from"
            size="xs"
            data={withValue([...SYSTEM_DATES, ...dates], retention.column)}
            value={retention.column}
            onChange={(event) => set({ ...retention, column: event.currentTarget.value })}
          />
        </Group>
      )}
    </Stack>
  );
}
