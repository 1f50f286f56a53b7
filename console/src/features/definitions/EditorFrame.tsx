import { Anchor, Container, Group, SegmentedControl, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { type Kind, NOUNS } from "../tables/listed";
import { JsonEditor } from "./JsonEditor";
import type { useEditor } from "./useEditor";

interface EditorFrameProps {
  workspace: string;
  kind: Kind;
  /** The name; undefined for a new one. */
  was: string | undefined;
  editor: Pick<ReturnType<typeof useEditor>, "mode" | "text" | "setText" | "selected" | "switchTo">;
  problems: ReactNode;
  form: ReactNode;
  buttons: ReactNode;
  children?: ReactNode;
}

/** The page of a definition: as a form or as JSON. */
export function EditorFrame(props: EditorFrameProps) {
  const { workspace, kind, was, editor, problems, form, buttons, children } = props;
  return (
    <Container fluid p="md" w="100%" mx={0} maw={900}>
      <Anchor
        component={Link}
        to={was === undefined ? `/w/${workspace}/tables` : `/w/${workspace}/${kind}/${was}`}
        size="sm"
      >
        {was === undefined ? "All tables" : `Rows of ${was}`}
      </Anchor>
      <Group justify="space-between" mb="md">
        <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
          {was === undefined ? `New ${NOUNS[kind]}` : `Definition of ${was}`}
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
