import { Alert, Anchor, Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { messageOf } from "../../api/errors";
import { methodsQuery, openIdAddress } from "./methods";
import { type Session, useSession } from "./session";

/** Dialogs below must not take the Escape of this one for theirs. */
const STAYS = { "data-mantine-stop-propagation": true };
const ABOVE_ALL = 1000;

/** Asks for the password again when a session has ended. The page stays below, with all that is not stored yet. */
export function SignInAgain({ session, isOpen }: { session: Session; isOpen: boolean }) {
  return (
    <Modal
      opened={isOpen}
      onClose={() => undefined}
      title="You are signed out"
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      zIndex={ABOVE_ALL}
      overlayProps={{ backgroundOpacity: 0.9 }}
    >
      <SignInAgainForm session={session} />
    </Modal>
  );
}

function SignInAgainForm({ session }: { session: Session }) {
  const { start, leave } = useSession();
  const methods = useQuery(methodsQuery());
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: () => answered(api.POST("/api/v1/session", { body: { email: session.email, password } })),
    onSuccess: start,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        event.stopPropagation();
        signIn.mutate();
      }}
    >
      <Stack>
        <Text size="sm">
          Sign in again to continue here. What you have not stored yet is still on the page.
        </Text>
        {signIn.error !== null && (
          <Alert color="red" role="alert">
            {messageOf(signIn.error)}
          </Alert>
        )}
        <TextInput
          label="E-mail address"
          type="email"
          autoComplete="username"
          readOnly
          value={session.email}
          {...STAYS}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          data-autofocus
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          {...STAYS}
        />
        {methods.data?.openId === true && (
          <Anchor href={openIdAddress("/")} target="_blank" rel="noopener" size="sm" {...STAYS}>
            Sign in with your organisation, in a new tab
          </Anchor>
        )}
        <Group justify="space-between">
          <Button type="submit" loading={signIn.isPending} {...STAYS}>
            Sign in
          </Button>
          <Button variant="subtle" onClick={leave} {...STAYS}>
            Leave this page
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
