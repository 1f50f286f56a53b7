import { Group, TextInput } from "@mantine/core";
import { type Problem, problemOf } from "./problems";

interface Named {
  name: string;
  description: string;
}

interface NameFieldsProps {
  noun: "table" | "view";
  isNew: boolean;
  draft: Named;
  problems: readonly Problem[];
  onChange: (changes: Partial<Named>) => void;
}

/** The name and the description of a table or view. */
export function NameFields({ noun, isNew, draft, problems, onChange }: NameFieldsProps) {
  return (
    <Group gap="sm" align="flex-start">
      <TextInput
        label={`Name of the ${noun}`}
        autoComplete="off"
        spellCheck={false}
        autoFocus={isNew}
        value={draft.name}
        error={problemOf(problems, "/name")}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <TextInput
        label="Description"
        flex="1 1 200px"
        autoComplete="off"
        value={draft.description}
        error={problemOf(problems, "/description")}
        onChange={(event) => onChange({ description: event.currentTarget.value })}
      />
    </Group>
  );
}
