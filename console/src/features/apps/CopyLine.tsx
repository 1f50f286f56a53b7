import { Code, Group } from "@mantine/core";
import { CopyButtonOf } from "./CopyButtonOf";

interface CopyLineProps {
  /** What it is, for the button. */
  name: string;
  value: string;
}

/** A value to copy. */
export function CopyLine({ name, value }: CopyLineProps) {
  return (
    <Group gap="xs" wrap="nowrap">
      <Code style={{ overflowWrap: "anywhere" }}>{value}</Code>
      <CopyButtonOf name={name} value={value} />
    </Group>
  );
}
