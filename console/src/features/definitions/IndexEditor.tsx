import { ActionIcon, Checkbox, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { withValue } from "./ColumnEditor";
import { type Problem, problemOf } from "./problems";
import type { IndexDraft } from "./tableDraft";

interface IndexEditorProps {
  index: IndexDraft;
  /** The names of the columns that can be indexed. */
  columns: readonly string[];
  problems: readonly Problem[];
  pointer: string;
  onChange: (index: IndexDraft) => void;
}

/** An index: its columns in their order, and whether it is unique. */
export function IndexEditor({ index, columns, problems, pointer, onChange }: IndexEditorProps) {
  const set = (changes: Partial<IndexDraft>) => onChange({ ...index, ...changes });
  const free = columns.filter((name) => !index.columns.some((each) => each.name === name));
  return (
    <Stack gap="xs">
      <Group gap="sm" align="flex-start">
        <TextInput
          label="Name"
          size="xs"
          autoFocus
          autoComplete="off"
          spellCheck={false}
          value={index.name}
          error={problemOf(problems, `${pointer}/name`)}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        <Checkbox
          size="xs"
          mt={28}
          label="Unique: no two rows with the same values"
          checked={index.isUnique}
          onChange={(event) => set({ isUnique: event.currentTarget.checked })}
        />
      </Group>
      {index.columns.map((column, at) => (
        <Group key={at} gap="xs" wrap="nowrap">
          <NativeSelect
            size="xs"
            aria-label={`Column ${at + 1} of the index`}
            data={withValue([column.name, ...free], column.name)}
            value={column.name}
            onChange={(event) =>
              set({ columns: index.columns.with(at, { ...column, name: event.currentTarget.value }) })
            }
          />
          <NativeSelect
            size="xs"
            aria-label={`Order of ${column.name}`}
            data={[
              { value: "asc", label: "ascending" },
              { value: "desc", label: "descending" },
            ]}
            value={column.order}
            onChange={(event) => {
              const order = event.currentTarget.value === "desc" ? "desc" : "asc";
              set({ columns: index.columns.with(at, { ...column, order }) });
            }}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove ${column.name} from the index`}
            onClick={() => set({ columns: index.columns.toSpliced(at, 1) })}
          >
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      {free.length > 0 && (
        <NativeSelect
          size="xs"
          w="fit-content"
          aria-label="Add a column to the index"
          data={[{ value: "", label: "Add a column…" }, ...free]}
          value=""
          onChange={({ currentTarget: { value } }) => {
            if (value !== "") set({ columns: [...index.columns, { name: value, order: "asc" }] });
          }}
        />
      )}
    </Stack>
  );
}
