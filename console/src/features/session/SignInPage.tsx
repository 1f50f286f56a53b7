import { Alert, Button, Container, Paper, PasswordInput, Stack, Title } from "@mantine/core";
import { type SyntheticEvent, useState } from "react";
import { Navigate, useSearchParams } from "react-router";
import { ApiError, messageOf } from "../../api/errors";
import { safeNext } from "./next";
import { useSession } from "./session";

export function SignInPage() {
  const { session, signIn } = useSession();
  const [parameters] = useSearchParams();
  const [token, setToken] = useState("");
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  async function submit(event: SyntheticEvent) {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await signIn({ token: token.trim() });
    } catch (refused) {
      const isWrong = refused instanceof ApiError && refused.status === 401;
      setError(isWrong ? "This token is not valid." : messageOf(refused));
      setBusy(false);
    }
  }

  if (session) return <Navigate to={safeNext(parameters.get("next"))} replace />;
  return (
    <Container component="main" size={420} py="xl">
      <Title order={1} size="h2" ta="center" mb="lg">
        Sign in to Rowkeep
      </Title>
      <Paper withBorder p="lg">
        <form onSubmit={(event) => void submit(event)}>
          <Stack>
            {error !== undefined && (
              <Alert color="red" role="alert">
                {error}
              </Alert>
            )}
            <PasswordInput
              label="Admin token"
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
              autoComplete="off"
              required
              autoFocus
            />
            <Button type="submit" loading={isBusy}>
              Sign in
            </Button>
          </Stack>
        </form>
      </Paper>
    </Container>
  );
}
