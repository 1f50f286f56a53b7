import { ActionIcon, Button, Checkbox, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import type { SortKey, Table } from "../../api/types";
import { FilterBuilder } from "../filters/FilterBuilder";
import { type Column, isSortable } from "../grid/columns";
import { AddButton } from "./AddButton";
import { ItemList } from "./ItemList";
import { NameFields } from "./NameFields";
import { PartTitle } from "./PartTitle";
import { type Problem, problemOf, problemsAt } from "./problems";
import { ColumnSelect, SourceEditor } from "./SourceEditor";
import { nextId } from "./tableDraft";
import {
  AGGREGATES,
  type Aggregate,
  defaultName,
  groupsOf,
  isAggregate,
  isGrouped,
  likelyMatch,
  outputColumns,
  type OutputDraft,
  outputName,
  outputSummary,
  renameSource,
  sourceColumns,
  sourceName,
  sourceSummary,
  type ViewDraft,
  withOutputs,
} from "./viewDraft";

interface ViewFormProps {
  draft: ViewDraft;
  tables: readonly Table[];
  problems: readonly Problem[];
  open: number | null;
  onOpen: (id: number | null) => void;
  onChange: (draft: ViewDraft) => void;
}

/** A view as a form. */
export function ViewForm(props: ViewFormProps) {
  const { draft, tables, problems, onChange } = props;
  const set = (changes: Partial<ViewDraft>) => onChange({ ...draft, ...changes });
  const columns = sourceColumns(draft.sources, tables);
  const outputs = outputColumns(draft, columns);
  return (
    <Stack>
      <NameFields noun="view" isNew={draft.was === null} draft={draft} problems={problems} onChange={set} />
      <Sources {...props} />
      <Outputs {...props} columns={columns} />
      <PartTitle text="Rows to use" />
      <FilterBuilder draft={draft.filter} columns={columns} onChange={(filter) => set({ filter })} />
      <Groups {...props} columns={columns} />
      {isGrouped(draft) && (
        <>
          <PartTitle text="Groups to show" />
          <FilterBuilder draft={draft.having} columns={outputs} onChange={(having) => set({ having })} />
        </>
      )}
      <Sorts outputs={outputs} sort={draft.sortBy} onSort={(sortBy) => set({ sortBy })} />
    </Stack>
  );
}

interface PartProps extends ViewFormProps {
  columns: readonly Column[];
}

function Sources({ draft, tables, problems, open, onOpen, onChange }: ViewFormProps) {
  const names = tables.map(({ name }) => name);
  const joinProblems = problemsAt(problems, "joins");
  const found = new Map([...joinProblems].map(([at, text]) => [at + 1, text]));
  const first = problemOf(problems, "/table");
  if (first !== undefined) found.set(0, first);
  const add = () => {
    const others = names.filter((name) => !draft.sources.some(({ table }) => table === name));
    const free = others.find((name) => isRelated(name, draft, tables)) ?? others[0] ?? names[0] ?? "";
    const taken = draft.sources.some((each) => sourceName(each) === free);
    const source = {
      id: nextId(),
      table: free,
      as: taken ? `${free}_2` : "",
      kind: "inner" as const,
      on: [],
    };
    onChange({
      ...draft,
      sources: [...draft.sources, { ...source, on: likelyMatch(source, draft.sources, tables) }],
    });
    onOpen(source.id);
  };
  return (
    <>
      <PartTitle text="Tables" />
      <ItemList
        label="Tables"
        noun="table"
        items={draft.sources}
        open={open}
        onOpen={onOpen}
        name={sourceName}
        summary={(source) => sourceSummary(source, draft.sources.indexOf(source))}
        problems={found}
        onChange={(sources) => onChange({ ...draft, sources })}
        renderEditor={(source, at) => (
          <SourceEditor
            source={source}
            isFirst={at === 0}
            tables={names}
            earlier={sourceColumns(draft.sources.slice(0, at), tables)}
            own={sourceColumns([source], tables)}
            onChange={(changes) => onChange(changedSource(draft, at, changes, tables))}
          />
        )}
      />
      <AddButton label={draft.sources.length === 0 ? "Add table" : "Join a table"} onClick={add} />
    </>
  );
}

/** Whether a reference leads to the table, or from it to a table of the view. */
function isRelated(table: string, draft: ViewDraft, tables: readonly Table[]): boolean {
  const source = { id: 0, table, as: "", kind: "inner" as const, on: [] };
  return likelyMatch(source, draft.sources, tables).some(({ left }) => left !== "");
}

/** A join with another table also gets the condition that is likely there. */
function changedSource(
  draft: ViewDraft,
  at: number,
  changes: Parameters<typeof renameSource>[2],
  tables: readonly Table[],
): ViewDraft {
  const changed = renameSource(draft, at, changes);
  const source = changed.sources[at];
  if (changes.table === undefined || at === 0 || source === undefined) return changed;
  const on = likelyMatch(source, changed.sources.slice(0, at), tables);
  return { ...changed, sources: changed.sources.with(at, { ...source, on }) };
}

function Outputs({ draft, columns, problems, open, onOpen, onChange }: PartProps) {
  const set = (outputs: OutputDraft[]) => onChange(withOutputs(draft, outputs));
  const free = columns.filter(
    ({ name, isSystem }) => !isSystem && !draft.columns.some(({ column }) => column === name),
  );
  const add = (names: readonly string[]) => {
    const added = names.map((column): OutputDraft => ({ id: nextId(), column, aggregate: "", as: "" }));
    const taken = new Set(draft.columns.map((each) => outputName(each).toLowerCase()));
    for (const output of added) {
      // a column of another table with the same name
      if (taken.has(outputName(output).toLowerCase())) output.as = output.column.replaceAll(".", "_");
      taken.add(outputName(output).toLowerCase());
    }
    set([...draft.columns, ...added]);
    if (added.length === 1) onOpen(added[0]?.id ?? null);
  };
  return (
    <>
      <PartTitle text="Columns" />
      <ItemList
        label="Columns"
        noun="column"
        items={draft.columns}
        open={open}
        onOpen={onOpen}
        name={outputName}
        summary={outputSummary}
        problems={problemsAt(problems, "columns")}
        onChange={set}
        renderEditor={(output, at) => (
          <OutputEditor
            output={output}
            columns={columns}
            onChange={(changed) => set(draft.columns.with(at, changed))}
          />
        )}
      />
      <Group>
        <AddButton
          label="Add column"
          onClick={() => {
            const next = free[0] ?? columns[0];
            if (next !== undefined) add([next.name]);
          }}
        />
        {free.length > 1 && (
          <Button size="xs" variant="light" onClick={() => add(free.map(({ name }) => name))}>
            Add all {free.length.toLocaleString()} columns
          </Button>
        )}
      </Group>
    </>
  );
}

interface OutputEditorProps {
  output: OutputDraft;
  columns: readonly Column[];
  onChange: (output: OutputDraft) => void;
}

function OutputEditor({ output, columns, onChange }: OutputEditorProps) {
  const column = columns.find(({ name }) => name === output.column);
  const suiting = (Object.keys(AGGREGATES) as Aggregate[]).filter(
    (each) => each === output.aggregate || column === undefined || AGGREGATES[each].suits(column),
  );
  return (
    <Group gap="sm" align="flex-end">
      <NativeSelect
        label="Shows"
        size="xs"
        data={suiting.map((value) => ({ value, label: AGGREGATES[value].label }))}
        value={output.aggregate}
        onChange={({ currentTarget: { value } }) => {
          if (isAggregate(value)) onChange({ ...output, aggregate: value });
        }}
      />
      <ColumnSelect
        label="Of column"
        columns={columns}
        value={output.column}
        onChange={(name) => onChange({ ...output, column: name })}
      />
      <TextInput
        label="Name in the view"
        size="xs"
        autoComplete="off"
        placeholder={defaultName(output)}
        value={output.as}
        onChange={(event) => onChange({ ...output, as: event.currentTarget.value })}
      />
    </Group>
  );
}

function Groups({ draft, columns, onChange }: PartProps) {
  const set = (groupBy: string[]) => onChange({ ...draft, groupBy, isGroupedByOthers: false });
  const groups = groupsOf(draft);
  return (
    <>
      <PartTitle text="Groups" />
      <Checkbox
        label="One row for each combination of the columns without a calculation, if there is a calculation"
        checked={draft.isGroupedByOthers}
        onChange={(event) =>
          onChange({ ...draft, groupBy: groups, isGroupedByOthers: event.currentTarget.checked })
        }
      />
      {!draft.isGroupedByOthers && (
        <Group gap="xs">
          {groups.map((name, at) => (
            <Button
              key={name}
              size="compact-xs"
              variant="default"
              rightSection={<IconX size={12} aria-hidden />}
              aria-label={`Do not group by ${name}`}
              onClick={() => set(groups.toSpliced(at, 1))}
            >
              {name}
            </Button>
          ))}
          <ColumnSelect
            label="Group by another column"
            columns={columns.filter((each) => isSortable(each) && !groups.includes(each.name))}
            value=""
            onChange={(name) => {
              if (name !== "") set([...groups, name]);
            }}
          />
        </Group>
      )}
    </>
  );
}

interface SortsProps {
  outputs: readonly Column[];
  sort: readonly SortKey[];
  onSort: (sort: SortKey[]) => void;
}

function Sorts({ outputs, sort, onSort }: SortsProps) {
  const free = outputs.filter((each) => isSortable(each) && !sort.some(({ field }) => field === each.name));
  return (
    <>
      <PartTitle text="Sort" />
      {sort.map((key, at) => (
        <Group key={key.field} gap="xs">
          <Text size="sm">{key.field}</Text>
          <NativeSelect
            size="xs"
            aria-label={`Order of ${key.field}`}
            data={[
              { value: "asc", label: "ascending" },
              { value: "desc", label: "descending" },
            ]}
            value={key.order ?? "asc"}
            onChange={(event) => {
              const order = event.currentTarget.value === "desc" ? "desc" : "asc";
              onSort(sort.with(at, { ...key, order }));
            }}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Do not sort by ${key.field}`}
            onClick={() => onSort(sort.toSpliced(at, 1))}
          >
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      <Group>
        <ColumnSelect
          label="Sort by another column"
          columns={free}
          value=""
          onChange={(field) => {
            if (field !== "") onSort([...sort, { field, order: "asc" }]);
          }}
        />
      </Group>
    </>
  );
}
