import { Button, Checkbox, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import type { Column } from "../grid/columns";
import { fromLocalInput, toLocalInput } from "../grid/localInput";
import { TwiceSelect } from "../grid/TwiceSelect";
import type { Condition, DraftValue } from "./draft";
import { OPERATORS } from "./operators";

const MAX_LIST = 1000;

interface ValueInputsProps {
  condition: Condition;
  column: Column | undefined;
  onChange: (values: DraftValue[]) => void;
}

/** The inputs for the values of a condition: none, one, two or a list. */
export function ValueInputs({ condition, column, onChange }: ValueInputsProps) {
  const { values, operand } = condition;
  const { takes, takesNull = false } = OPERATORS[operand];
  const set = (at: number, value: DraftValue) => onChange(values.with(at, value));
  if (takes === "nothing") return null;
  if (takes === "pair") {
    return (
      <Group gap="xs">
        <ValueInput
          label="From"
          column={column}
          value={values[0] ?? ""}
          onChange={(value) => set(0, value)}
        />
        <Text size="xs">and</Text>
        <ValueInput label="To" column={column} value={values[1] ?? ""} onChange={(value) => set(1, value)} />
      </Group>
    );
  }
  if (takes === "one") {
    const value = values[0] === undefined ? "" : values[0];
    return (
      <ValueInput
        label="Value"
        column={column}
        value={value}
        takesNull={takesNull}
        onChange={(changed) => onChange([changed])}
      />
    );
  }
  return (
    <Stack gap={4}>
      {values.map((value, at) => (
        <Group key={at} gap={4}>
          <ValueInput
            label={`Value ${at + 1}`}
            column={column}
            value={value}
            takesNull={takesNull}
            onChange={(changed) => set(at, changed)}
          />
          <Button size="compact-xs" variant="subtle" onClick={() => onChange(values.toSpliced(at, 1))}>
            Remove
          </Button>
        </Group>
      ))}
      {values.length < MAX_LIST && (
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<IconPlus size={12} aria-hidden />}
          onClick={() => onChange([...values, ""])}
        >
          Value
        </Button>
      )}
    </Stack>
  );
}

interface ValueInputProps {
  label: string;
  column: Column | undefined;
  value: DraftValue;
  takesNull?: boolean;
  onChange: (value: DraftValue) => void;
}

function ValueInput({ label, column, value, takesNull = false, onChange }: ValueInputProps) {
  return (
    <Group gap={6} wrap="nowrap">
      {value !== null && <TypedInput label={label} column={column} value={value} onChange={onChange} />}
      {takesNull && (
        <Checkbox
          size="xs"
          label="null"
          checked={value === null}
          onChange={(event) => onChange(event.currentTarget.checked ? null : "")}
        />
      )}
    </Group>
  );
}

interface TypedInputProps {
  label: string;
  column: Column | undefined;
  value: string;
  onChange: (value: string) => void;
}

function TypedInput({ label, column, value, onChange }: TypedInputProps) {
  if (column?.type === "boolean") {
    return (
      <NativeSelect
        size="xs"
        aria-label={label}
        data={["", "true", "false"]}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  if (column?.type === "date") {
    return (
      <Stack gap={4}>
        <TextInput
          size="xs"
          type="datetime-local"
          step={1}
          aria-label={label}
          value={toLocalInput(value)}
          onChange={(event) => onChange(fromLocalInput(event.currentTarget.value, value))}
        />
        <TwiceSelect time={value} onChange={onChange} />
      </Stack>
    );
  }
  return (
    <TextInput
      size="xs"
      aria-label={label}
      value={value}
      inputMode={column?.type === "string" ? "text" : "decimal"}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
