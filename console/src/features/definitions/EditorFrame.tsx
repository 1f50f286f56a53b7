import { Anchor, Container, Group, SegmentedControl, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { JsonEditor } from "./JsonEditor";
import type { useEditor } from "./useEditor";

interface EditorFrameProps {
  title: string;
  back: { to: string; label: string };
  editor: Pick<ReturnType<typeof useEditor>, "mode" | "text" | "setText" | "selected" | "switchTo">;
  problems: ReactNode;
  form: ReactNode;
  buttons: ReactNode;
  children?: ReactNode;
}

/** The page of a definition: as a form or as JSON. */
export function EditorFrame({ title, back, editor, problems, form, buttons, children }: EditorFrameProps) {
  return (
    <Container fluid p="md" w="100%" mx={0} maw={900}>
      <Anchor component={Link} to={back.to} size="sm">
        {back.label}
      </Anchor>
      <Group justify="space-between" mb="md">
        <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
          {title}
        </Title>
        <SegmentedControl
          size="xs"
          aria-label="Edit as"
          data={[
            { value: "form", label: "Form" },
            { value: "json", label: "JSON" },
          ]}
          value={editor.mode}
          onChange={(value) => editor.switchTo(value)}
        />
      </Group>
      <Stack>
        {problems}
        {editor.mode === "form" ? (
          form
        ) : (
          <JsonEditor text={editor.text} onChange={editor.setText} selected={editor.selected} />
        )}
        <Group>{buttons}</Group>
        {children}
      </Stack>
    </Container>
  );
}
