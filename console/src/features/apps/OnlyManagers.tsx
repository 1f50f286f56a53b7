import { Container, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useIsManager } from "../session/useIsManager";
import { useStillAllowed } from "../session/useStillAllowed";

interface OnlyManagersProps {
  title: string;
  workspace: string;
  children: ReactNode;
}

/** A page for managers of the workspace. The server refuses its requests for others; they need not see that, unless
 * they were managers when they opened it. */
export function OnlyManagers({ title, workspace, children }: OnlyManagersProps) {
  if (useStillAllowed(useIsManager(workspace), workspace)) return children;
  return (
    <Container size="lg" p="md" w="100%" ml={0}>
      <Title order={1} size="h2" mb="md">
        {title}
      </Title>
      <Text>This page is for managers of the workspace.</Text>
    </Container>
  );
}
