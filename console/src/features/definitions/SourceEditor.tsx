import { ActionIcon, Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import type { Column } from "../grid/columns";
import { withValue } from "./ColumnEditor";
import { COMPARISONS, JOINS, type OnDraft, type SourceDraft } from "./viewDraft";

interface SourceEditorProps {
  source: SourceDraft;
  isFirst: boolean;
  /** The names of all tables. */
  tables: readonly string[];
  /** The columns of the tables before it, and its own. */
  earlier: readonly Column[];
  own: readonly Column[];
  onChange: (changes: Partial<SourceDraft>) => void;
}

/** A table of a view, and how its rows match those of the tables before it. */
export function SourceEditor({ source, isFirst, tables, earlier, own, onChange }: SourceEditorProps) {
  const setOn = (at: number, changes: Partial<OnDraft>) => {
    const condition = source.on[at];
    if (condition !== undefined) onChange({ on: source.on.with(at, { ...condition, ...changes }) });
  };
  return (
    <Stack gap="xs">
      <Group gap="sm" align="flex-start">
        <NativeSelect
          label="Table"
          size="xs"
          data={withValue(tables, source.table)}
          value={source.table}
          onChange={(event) => onChange({ table: event.currentTarget.value })}
        />
        <TextInput
          label="Another name in this view"
          size="xs"
          autoComplete="off"
          placeholder={source.table}
          value={source.as}
          onChange={(event) => onChange({ as: event.currentTarget.value })}
        />
        {!isFirst && (
          <NativeSelect
            label="Shows"
            size="xs"
            data={[...JOINS]}
            value={source.kind}
            onChange={(event) =>
              onChange({
                kind: JOINS.find(({ value }) => value === event.currentTarget.value)?.value ?? "inner",
              })
            }
          />
        )}
      </Group>
      {!isFirst && (
        <>
          <Text size="xs">Rows match if</Text>
          {source.on.map((condition, at) => (
            <Group key={at} gap="xs">
              <ColumnSelect
                label={`Earlier column of condition ${at + 1}`}
                columns={earlier}
                value={condition.left}
                onChange={(left) => setOn(at, { left })}
              />
              <NativeSelect
                size="xs"
                aria-label={`Comparison of condition ${at + 1}`}
                data={withValue(COMPARISONS, condition.operand)}
                value={condition.operand}
                onChange={(event) => setOn(at, { operand: event.currentTarget.value })}
              />
              <ColumnSelect
                label={`Column of condition ${at + 1}`}
                columns={own}
                value={condition.right}
                onChange={(right) => setOn(at, { right })}
              />
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Remove condition ${at + 1}`}
                onClick={() => onChange({ on: source.on.toSpliced(at, 1) })}
              >
                <IconX size={16} aria-hidden />
              </ActionIcon>
            </Group>
          ))}
          <Group>
            <Button
              size="compact-xs"
              variant="light"
              leftSection={<IconPlus size={12} aria-hidden />}
              onClick={() => onChange({ on: [...source.on, { left: "", operand: "=", right: "" }] })}
            >
              Condition
            </Button>
          </Group>
        </>
      )}
    </Stack>
  );
}

interface ColumnSelectProps {
  label: string;
  columns: readonly Column[];
  value: string;
  onChange: (name: string) => void;
}

export function ColumnSelect({ label, columns, value, onChange }: ColumnSelectProps) {
  const names = withValue(
    columns.map(({ name }) => name),
    value,
  );
  return (
    <NativeSelect
      size="xs"
      aria-label={label}
      data={[{ value: "", label: "Column…" }, ...names]}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
