import { Button, Container, Group, Text, Title } from "@mantine/core";
import { Link, useRouteError } from "react-router";
import { notLoadedText } from "./notLoaded";

export function ErrorPage() {
  const error = useRouteError();
  return (
    <Container size="sm" py="xl">
      <Title order={1} size="h2" mb="sm">
        This page cannot be shown
      </Title>
      <Text mb="md">{textOf(error)}</Text>
      <Group>
        <Button onClick={() => window.location.reload()}>Load the page again</Button>
        <Button component={Link} to="/" variant="default">
          Go to the home page
        </Button>
      </Group>
    </Container>
  );
}

function textOf(error: unknown): string {
  if (error instanceof URIError) return "The address of this page is damaged.";
  return notLoadedText(error);
}

/** A page that does not exist, outside the frame of the others. */
export function NotFoundPage() {
  return (
    <main>
      <NotFound />
    </main>
  );
}

export function NotFound() {
  return (
    <Container size="sm" py="xl">
      <Title order={1} size="h2" mb="sm">
        Page not found
      </Title>
      <Text mb="md">There is no page at this address.</Text>
      <Button component={Link} to="/">
        Go to the home page
      </Button>
    </Container>
  );
}
