import { Title } from "@mantine/core";

/** The title of a part of a form, such as "Columns". */
export function PartTitle({ text }: { text: string }) {
  return (
    <Title order={2} size="h4">
      {text}
    </Title>
  );
}
