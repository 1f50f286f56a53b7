import { TextInput } from "@mantine/core";
import { fromLocalInput, toLocalInput } from "../grid/localInput";

const LABELS = { since: "From", until: "Before" } as const;

interface TimeFieldsProps {
  parameters: URLSearchParams;
  onSet: (name: keyof typeof LABELS, value: string) => void;
}

/** The times between which the entries of a list are. */
export function TimeFields({ parameters, onSet }: TimeFieldsProps) {
  return (["since", "until"] as const).map((name) => (
    <TextInput
      key={name}
      size="xs"
      type="datetime-local"
      label={LABELS[name]}
      defaultValue={toLocalInput(parameters.get(name) ?? "")}
      onChange={(event) => onSet(name, fromLocalInput(event.currentTarget.value))}
    />
  ));
}
