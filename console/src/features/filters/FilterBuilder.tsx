import { ActionIcon, Box, Button, Group, NativeSelect, SegmentedControl, Stack } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useRef } from "react";
import type { Column } from "../grid/columns";
import { type Condition, type Draft, type Junction, newCondition, newJunction, valuesFor } from "./draft";
import classes from "./FilterBuilder.module.css";
import { isOperand, operandsFor, OPERATORS } from "./operators";
import { ValueInputs } from "./ValueInput";

const MAX_DEPTH = 8;

interface FilterBuilderProps {
  draft: Junction;
  columns: readonly Column[];
  onChange: (draft: Junction) => void;
  depth?: number;
}

/** A group of conditions and of further groups. */
export function FilterBuilder({ draft, columns, onChange, depth = 0 }: FilterBuilderProps) {
  const first = columns[0];
  const set = (at: number, item: Draft) => onChange({ ...draft, items: draft.items.with(at, item) });
  const adding = useRef<HTMLButtonElement>(null);
  const remove = (at: number) => {
    onChange({ ...draft, items: draft.items.toSpliced(at, 1) });
    adding.current?.focus();
  };
  return (
    <Stack gap="xs" role="group" aria-label={depth === 0 ? "Filter" : `Group of level ${depth}`}>
      <Group gap="xs">
        <NegationSelect
          isNegated={draft.isNegated}
          onChange={(isNegated) => onChange({ ...draft, isNegated })}
        />
        <SegmentedControl
          size="xs"
          aria-label="Match"
          data={[
            { value: "and", label: "all of" },
            { value: "or", label: "any of" },
          ]}
          value={draft.operator}
          onChange={(operator) => onChange({ ...draft, operator: operator === "or" ? "or" : "and" })}
        />
      </Group>
      <Stack gap="xs" className={classes.items}>
        {draft.items.map((item, at) => (
          <Group key={item.id} gap="xs" align="flex-start" wrap="nowrap">
            <Box flex={1} miw={0}>
              {item.kind === "junction" ? (
                <FilterBuilder
                  draft={item}
                  columns={columns}
                  onChange={(changed) => set(at, changed)}
                  depth={depth + 1}
                />
              ) : (
                <ConditionEditor
                  condition={item}
                  columns={columns}
                  onChange={(changed) => set(at, changed)}
                />
              )}
            </Box>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={item.kind === "junction" ? "Remove group" : `Remove condition ${at + 1}`}
              onClick={() => remove(at)}
            >
              <IconX size={16} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
        {first !== undefined && (
          <Group gap="xs">
            <Button
              ref={adding}
              size="compact-sm"
              variant="light"
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() => onChange({ ...draft, items: [...draft.items, newCondition(first)] })}
            >
              Condition
            </Button>
            {depth < MAX_DEPTH && (
              <Button
                size="compact-sm"
                variant="light"
                leftSection={<IconPlus size={14} aria-hidden />}
                onClick={() =>
                  onChange({ ...draft, items: [...draft.items, newJunction([newCondition(first)], "or")] })
                }
              >
                Group
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </Stack>
  );
}

function NegationSelect({ isNegated, onChange }: { isNegated: boolean; onChange: (not: boolean) => void }) {
  return (
    <NativeSelect
      size="xs"
      w={92}
      aria-label="Where or not"
      data={[
        { value: "", label: "where" },
        { value: "not", label: "not" },
      ]}
      value={isNegated ? "not" : ""}
      onChange={(event) => onChange(event.currentTarget.value === "not")}
    />
  );
}

interface ConditionEditorProps {
  condition: Condition;
  columns: readonly Column[];
  onChange: (condition: Condition) => void;
}

function ConditionEditor({ condition, columns, onChange }: ConditionEditorProps) {
  const column = columns.find(({ name }) => name === condition.field);
  const operands = operandsFor(column);
  const setOperand = (text: string) => {
    if (isOperand(text)) onChange({ ...condition, operand: text, values: valuesFor(text, condition.values) });
  };
  const setField = (name: string) => {
    const next = columns.find((each) => each.name === name);
    const suits = next !== undefined && OPERATORS[condition.operand].suits(next);
    const operand = suits ? condition.operand : (operandsFor(next)[0] ?? condition.operand);
    const values = next?.type === column?.type ? condition.values : [];
    onChange({ ...condition, field: name, operand, values: valuesFor(operand, values) });
  };
  return (
    <Group gap="xs" align="flex-start">
      <NegationSelect
        isNegated={condition.isNegated}
        onChange={(isNegated) => onChange({ ...condition, isNegated })}
      />
      <NativeSelect
        size="xs"
        aria-label="Column"
        data={columns.map(({ name }) => name)}
        value={condition.field}
        onChange={(event) => setField(event.currentTarget.value)}
      />
      <NativeSelect
        size="xs"
        aria-label="Operator"
        data={operands.map((operand) => ({ value: operand, label: OPERATORS[operand].label }))}
        value={condition.operand}
        onChange={(event) => setOperand(event.currentTarget.value)}
      />
      <ValueInputs
        condition={condition}
        column={column}
        onChange={(values) => onChange({ ...condition, values })}
      />
    </Group>
  );
}
