import { Button, Container, Group, Text, Title } from "@mantine/core";
import { Link, Navigate } from "react-router";
import { useSession } from "../features/session/session";

/** Opens the first workspace that the user sees. */
export function HomePage() {
  const { session, signOut } = useSession();
  const [first] = session?.workspaces ?? [];
  if (first !== undefined) return <Navigate to={`/w/${first.name}`} replace />;
  return (
    <Container component="main" size="sm" py="xl">
      <Title order={1} size="h2" mb="sm">
        Nothing to see yet
      </Title>
      <Text mb="md">
        You have no role in a workspace, and nobody shares a table with you yet. Ask an administrator for one
        of both, then load this page again.
      </Text>
      <Group>
        <Button onClick={() => void signOut()}>Sign out</Button>
        <Button variant="default" component={Link} to="/account">
          Your account
        </Button>
      </Group>
    </Container>
  );
}
