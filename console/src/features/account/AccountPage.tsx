import { Container, Divider, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useSession } from "../session/session";
import { NameForm } from "./NameForm";
import { PasswordForm } from "./PasswordForm";
import { SessionList } from "./SessionList";

/** What people change about themselves: name, password, and where they are signed in. */
export function AccountPage() {
  useDocumentTitle("Your account – Rowkeep");
  const { session } = useSession();
  if (!session) return null;
  return (
    <Container size="md" p="md" w="100%" ml={0}>
      <Title order={1} size="h2" mb="xs">
        Your account
      </Title>
      <Text size="sm" mb="md">
        {session.email}
        {session.admin && ", administrator"}
      </Text>
      <NameForm name={session.name} />
      <Divider my="lg" />
      <PasswordForm email={session.email} />
      <Divider my="lg" />
      <SessionList />
    </Container>
  );
}
