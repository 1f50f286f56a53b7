import { Button, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { ErrorNote } from "../people/ErrorNote";
import { useSession } from "../session/session";

/** Changes the password. The old one is asked for, so that an unattended browser is not enough. */
export function PasswordForm({ email }: { email: string }) {
  const { start } = useSession();
  const [currentPassword, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = useMutation({
    mutationFn: () => answered(api.PUT("/api/v1/session/password", { body: { currentPassword, password } })),
    onSuccess: (session) => {
      setCurrent("");
      setPassword("");
      start(session);
      notifications.show({ message: "Your password is changed. All other sessions have ended." });
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      <Title order={2} size="h4" mb="xs">
        Password
      </Title>
      <ErrorNote error={change.error} />
      <Stack maw={320} gap="sm" align="flex-start">
        <Text size="sm">A new password ends all your other sessions.</Text>
        <input type="hidden" autoComplete="username" value={email} readOnly />
        <PasswordInput
          size="xs"
          w="100%"
          label="Current password"
          autoComplete="current-password"
          required
          value={currentPassword}
          onChange={(event) => setCurrent(event.currentTarget.value)}
        />
        <PasswordInput
          size="xs"
          w="100%"
          label="New password"
          description="At least 10 characters."
          autoComplete="new-password"
          required
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button size="xs" type="submit" loading={change.isPending}>
          Change password
        </Button>
      </Stack>
    </form>
  );
}
