import { Container, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useSession } from "../session/session";
import { useStillAllowed } from "../session/useStillAllowed";

/** A page for administrators. The server refuses its requests for others; they need not see that, unless they were
 * administrators when they opened it. */
export function OnlyAdministrators({ title, children }: { title: string; children: ReactNode }) {
  const { session } = useSession();
  const mayUse = useStillAllowed(session?.admin === true, title);
  return (
    <Container size="xl" p="md" w="100%" ml={0}>
      <Title order={1} size="h2" mb="md">
        {title}
      </Title>
      {mayUse ? children : <Text>This page is for administrators.</Text>}
    </Container>
  );
}
