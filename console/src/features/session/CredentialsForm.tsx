import { Alert, Button, Container, Paper, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { useNavigate } from "react-router";
import { messageOf } from "../../api/errors";
import { type Session, useSession } from "./session";

interface CredentialsFormProps {
  title: string;
  text?: ReactNode;
  action: string;
  /** Starts a session. Its errors are shown. */
  submit: () => Promise<Session>;
  /** Why an earlier try has failed. */
  failure?: string | undefined;
  /** The path to open then. */
  next: string;
  children: ReactNode;
}

/** A page with one form that ends in a session. */
export function CredentialsForm({
  title,
  text,
  action,
  submit,
  failure,
  next,
  children,
}: CredentialsFormProps) {
  const { start } = useSession();
  const navigate = useNavigate();
  const [error, setError] = useState(failure);
  const [isBusy, setBusy] = useState(false);
  useDocumentTitle(`${title} – Rowkeep`);

  async function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      start(await submit());
      await navigate(next, { replace: true });
    } catch (refused) {
      setError(messageOf(refused));
      setBusy(false);
    }
  }

  return (
    <Container component="main" size={440} py="xl">
      <Title order={1} size="h2" ta="center" mb="lg">
        {title}
      </Title>
      <Paper withBorder p="lg">
        <form onSubmit={(event) => void onSubmit(event)}>
          <Stack>
            {text !== undefined && <Text size="sm">{text}</Text>}
            {error !== undefined && (
              <Alert color="red" role="alert">
                {error}
              </Alert>
            )}
            {children}
            <Button type="submit" loading={isBusy}>
              {action}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Container>
  );
}
