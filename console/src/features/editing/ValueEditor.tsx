import { Autocomplete, Checkbox, Group, NativeSelect, Stack, Textarea, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Column } from "../grid/columns";
import { fromLocalInput, toLocalInput } from "../grid/localInput";
import { TwiceSelect } from "../grid/TwiceSelect";
import { referencedQuery } from "./references";
import { type Draft, searchOf } from "./values";

const HINT_HEIGHT = 28;

interface ValueEditorProps {
  workspace: string;
  column: Column;
  draft: Draft;
  /** What the cell has. */
  before?: Draft;
  onChange: (draft: Draft) => void;
  /** A visible label, or only a name for screen readers. */
  label?: string;
  error?: string | undefined;
  autoFocus?: boolean;
}

/** An input for a value of a column, and a checkbox for null: an empty text is not null. */
export function ValueEditor(props: ValueEditorProps) {
  const { column, draft, onChange } = props;
  return (
    <Group gap={8} wrap="nowrap" align="flex-end">
      <TypedEditor {...props} />
      {!column.isRequired && (
        <Checkbox
          size="xs"
          mb={8}
          label="null"
          aria-label={`${column.name} is null`}
          checked={draft === null}
          onChange={(event) =>
            onChange(event.currentTarget.checked ? null : column.type === "boolean" ? "false" : "")
          }
        />
      )}
    </Group>
  );
}

function TypedEditor(props: ValueEditorProps) {
  const { column, draft, onChange, label, error, autoFocus } = props;
  const shared = {
    size: "xs",
    flex: 1,
    miw: 0,
    placeholder: draft === null ? "null" : "",
    error,
    ...(label === undefined ? { "aria-label": column.name } : { label }),
    "data-autofocus": autoFocus || undefined,
    required: column.isRequired && label !== undefined,
  };
  const text = draft ?? "";
  if (column.reference !== undefined) return <ReferenceEditor {...props} />;
  switch (column.type) {
    case "boolean":
      return (
        <NativeSelect
          {...shared}
          data={draft === null ? ["", "true", "false"] : ["true", "false"]}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value || null)}
        />
      );
    case "date":
      return <DateEditor {...props} shared={shared} />;
    case "json":
    case "string":
      return (
        <Textarea
          {...shared}
          autosize
          minRows={column.type === "json" ? 3 : 1}
          maxRows={12}
          spellCheck={column.type === "string"}
          {...(autoFocus === true ? { onFocus: caretAtEnd } : {})}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    default:
      return (
        <TextInput
          {...shared}
          inputMode="decimal"
          {...(autoFocus === true ? { onFocus: caretAtEnd } : {})}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}

/** A typed character opens an editor: what is typed next follows it. */
function caretAtEnd({
  currentTarget: input,
}: React.FocusEvent<HTMLInputElement | HTMLTextAreaElement>): void {
  input.setSelectionRange(input.value.length, input.value.length);
}

/** The value of a reference stays visible, and what is typed replaces it. */
function selectAll({ currentTarget: input }: React.FocusEvent<HTMLInputElement>): void {
  input.select();
}

/** The picker of the browser, in the zone of the reader. */
function DateEditor({ draft, onChange, shared }: ValueEditorProps & { shared: object }) {
  const [text, setText] = useState(() => toLocalInput(draft ?? ""));
  return (
    <Stack flex={1} miw={0} gap={4}>
      <TextInput
        {...shared}
        type="datetime-local"
        step="0.001"
        value={draft === null ? "" : text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          onChange(fromLocalInput(event.currentTarget.value, draft ?? ""));
        }}
        // a date that is not complete has no value, so typing it is no change; it must not be taken for none
        onKeyUp={(event) => {
          if (event.currentTarget.validity.badInput) onChange("");
        }}
      />
      <TwiceSelect time={draft ?? ""} onChange={onChange} />
    </Stack>
  );
}

/** Searches the values of the referenced column. */
function ReferenceEditor(props: ValueEditorProps) {
  const { workspace, column, draft, before, onChange, label, error, autoFocus } = props;
  const [search] = useDebouncedValue(searchOf(draft, before), 250);
  const { data } = useQuery(referencedQuery(workspace, column, search));
  return (
    <Autocomplete
      size="xs"
      flex={1}
      placeholder={draft === null ? "null" : ""}
      {...(label === undefined ? { "aria-label": column.name } : { label })}
      data-autofocus={autoFocus || undefined}
      error={error}
      data={data ?? []}
      filter={({ options }) => options}
      value={draft ?? ""}
      onChange={onChange}
      {...(autoFocus === true ? { onFocus: draft === before ? selectAll : caretAtEnd } : {})}
      comboboxProps={{
        withinPortal: false,
        shadow: "md",
        // in a cell, the list starts below the line that explains the keys
        ...(label === undefined ? { offset: HINT_HEIGHT } : {}),
      }}
    />
  );
}
