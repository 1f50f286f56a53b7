import { Button, Text } from "@mantine/core";
import { IconFileCode } from "@tabler/icons-react";
import { Link } from "react-router";
import type { Source } from "../grid/rowQueries";
import { useMayManage } from "./rights";

/** Leads to the definition. Only people who may change it see the link. */
export function DefinitionLink({ workspace, kind, name }: Source) {
  if (useMayManage(workspace, kind, name) !== true) return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      style={{ flexShrink: 0 }}
      leftSection={<IconFileCode size={14} aria-hidden />}
      component={Link}
      to={`/w/${workspace}/define/${kind}/${name}`}
      aria-label="Definition"
    >
      <Text span inherit visibleFrom="sm">
        Definition
      </Text>
    </Button>
  );
}
