import { Checkbox, Group, NativeSelect, Text, TextInput } from "@mantine/core";
import type { Table } from "../../api/types";
import { type Problem, problemOf } from "./problems";
import { bodyOf, type ColumnDraft, isType, referable, type TableDraft, TYPES, withType } from "./tableDraft";

interface ColumnEditorProps {
  draft: TableDraft;
  column: ColumnDraft;
  /** The other tables that it can refer to. */
  tables: readonly Table[];
  problems: readonly Problem[];
  pointer: string;
  onName: (name: string) => void;
  onChange: (column: ColumnDraft) => void;
  /** Enter in the name. */
  onNext: () => void;
}

/** The rules of one column. */
export function ColumnEditor(props: ColumnEditorProps) {
  const { draft, column, tables, problems, pointer, onName, onChange, onNext } = props;
  const set = (changes: Partial<ColumnDraft>) => onChange({ ...column, ...changes });
  const errorOf = (key: string) => problemOf(problems, `${pointer}/${key}`);
  return (
    <Group gap="sm" align="flex-start">
      <TextInput
        label="Name"
        size="xs"
        autoFocus
        autoComplete="off"
        spellCheck={false}
        value={column.name}
        error={errorOf("name")}
        onChange={(event) => onName(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
          event.preventDefault();
          onNext();
        }}
      />
      <NativeSelect
        label="Type"
        size="xs"
        data={TYPES}
        value={column.type}
        error={errorOf("type")}
        onChange={({ currentTarget: { value } }) => {
          if (isType(value)) onChange(withType(column, value));
        }}
      />
      {column.type === "string" && (
        <TextInput
          label="Most characters"
          size="xs"
          w={120}
          inputMode="numeric"
          placeholder="no limit"
          value={column.maxLength}
          error={errorOf("maxLength")}
          onChange={(event) => set({ maxLength: event.currentTarget.value })}
        />
      )}
      <DefaultInput column={column} error={errorOf("default")} onChange={(text) => set({ default: text })} />
      <ReferenceInput
        draft={draft}
        column={column}
        tables={tables}
        error={errorOf("reference")}
        onChange={set}
      />
      <Checkbox
        size="xs"
        mt={28}
        label="Required"
        checked={column.isRequired}
        error={errorOf("isRequired")}
        onChange={(event) => set({ isRequired: event.currentTarget.checked })}
      />
      <Checkbox
        size="xs"
        mt={28}
        label="Encrypted"
        checked={column.isEncrypted}
        error={errorOf("isEncrypted")}
        onChange={(event) => {
          const isEncrypted = event.currentTarget.checked;
          set({ isEncrypted, ...(isEncrypted ? { default: "", reference: null } : {}) });
        }}
      />
    </Group>
  );
}

interface DefaultInputProps {
  column: ColumnDraft;
  error: string | undefined;
  onChange: (text: string) => void;
}

function DefaultInput({ column, error, onChange }: DefaultInputProps) {
  const common = {
    label: "Default",
    size: "xs",
    value: column.default,
    error,
    disabled: column.isEncrypted,
  } as const;
  if (column.type === "boolean") {
    return (
      <NativeSelect
        {...common}
        w={110}
        data={[{ value: "", label: "none" }, "true", "false"]}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  return (
    <TextInput
      {...common}
      w={150}
      placeholder="none"
      autoComplete="off"
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

interface ReferenceInputProps {
  draft: TableDraft;
  column: ColumnDraft;
  tables: readonly Table[];
  error: string | undefined;
  onChange: (changes: Pick<ColumnDraft, "reference">) => void;
}

/** A table, then one of its unique columns. */
function ReferenceInput({ draft, column, tables, error, onChange }: ReferenceInputProps) {
  const { reference, type } = column;
  const others = tables.filter(({ name }) => name !== draft.was && name !== draft.name);
  const names = [...others.map(({ name }) => name), ...(draft.name === "" ? [] : [draft.name])];
  const columnsOf = (table: string): string[] => {
    const found = others.find(({ name }) => name === table);
    return referable(found ?? ownTable(draft), type);
  };
  const columns = reference === null ? [] : columnsOf(reference.table);
  return (
    <>
      <NativeSelect
        label="Refers to table"
        size="xs"
        disabled={column.isEncrypted || type === "json"}
        data={[
          { value: "", label: "none" },
          ...withValue(names, reference?.table).map((name) => ({
            value: name,
            label: name === draft.name ? `${name} (this table)` : name,
          })),
        ]}
        value={reference?.table ?? ""}
        error={error}
        onChange={({ currentTarget: { value } }) =>
          onChange({
            reference: value === "" ? null : { table: value, column: columnsOf(value)[0] ?? "" },
          })
        }
      />
      {reference !== null && (
        <NativeSelect
          label="Its column"
          size="xs"
          data={withValue(columns, reference.column)}
          value={reference.column}
          onChange={(event) =>
            onChange({ reference: { table: reference.table, column: event.currentTarget.value } })
          }
        />
      )}
      {reference !== null && columns.length === 0 && (
        <Text size="xs" c="red" w="100%">
          {reference.table} has no column of type {type} with a unique index of its own. Add one there first.
        </Text>
      )}
    </>
  );
}

function ownTable(draft: TableDraft): Pick<Table, "schemaDef" | "indexes"> {
  try {
    return bodyOf(draft) as Pick<Table, "schemaDef" | "indexes">;
  } catch {
    return { schemaDef: [], indexes: [] };
  }
}

/** The choices of a select with the present value, also if it is none of them. */
export function withValue(choices: readonly string[], value: string | undefined): string[] {
  return value === undefined || value === "" || choices.includes(value) ? [...choices] : [...choices, value];
}
