import { Button, Group, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { ErrorNote } from "../people/ErrorNote";
import { useSession } from "../session/session";

export function NameForm({ name: stored }: { name: string }) {
  const { start } = useSession();
  const [name, setName] = useState(stored);
  const save = useMutation({
    mutationFn: () => answered(api.PATCH("/api/v1/session", { body: { name } })),
    onSuccess: (session) => {
      setName(session.name);
      start(session);
      notifications.show({ message: "Your name is changed." });
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <ErrorNote error={save.error} />
      <Group align="flex-end">
        <TextInput
          size="xs"
          label="Name"
          description="Others see it next to rows that you write."
          autoComplete="name"
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button size="xs" type="submit" loading={save.isPending} disabled={name.trim() === stored}>
          Change name
        </Button>
      </Group>
    </form>
  );
}
