/** New users: an address that belongs to nobody yet, and the link for a first password. */
import { Alert, Button, Code, CopyButton, Group, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { API_ADDRESS } from "../../app/place";
import { useSession } from "../session/session";
import { ErrorNote } from "./ErrorNote";
import { addUser, loadAgain, type NewUser } from "./queries";

export interface NewLink {
  name: string;
  link: string;
}

export function linkOf({ name, link }: NewUser): NewLink | null {
  return link === undefined ? null : { name, link };
}

interface UnknownUserProps {
  email: string;
  onAdded: (user: NewUser) => void;
}

/** An address that belongs to no user: an administrator can add one, others learn who can. */
export function UnknownUser({ email, onAdded }: UnknownUserProps) {
  const { session } = useSession();
  const [name, setName] = useState("");
  const queries = useQueryClient();
  const add = useMutation({
    mutationFn: () => addUser({ name, email, admin: false }),
    onSuccess: async (user) => {
      onAdded(user);
      await loadAgain(queries, ["users"]);
    },
  });
  if (session?.admin !== true)
    return <Text size="sm">Ask an administrator to add a user with the address {email}.</Text>;
  return (
    <form
      aria-label="New user"
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate();
      }}
    >
      <Stack gap="xs">
        <Text size="sm">To add a user with the address {email}, enter a name.</Text>
        <ErrorNote error={add.error} />
        <Group align="flex-end">
          <TextInput
            size="xs"
            label="Name"
            required
            autoFocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button size="xs" type="submit" loading={add.isPending}>
            Add user
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function LinkNote({ name, link, onClose }: NewLink & { onClose: () => void }) {
  const address = new URL(link, API_ADDRESS).href;
  return (
    <Alert
      mb="md"
      title={`Link for ${name}`}
      withCloseButton
      closeButtonLabel="Hide the link"
      onClose={onClose}
    >
      Send this link to {name}, who sets a password with it. It can be used once within a day, and is shown
      only now.
      <Group mt="xs" wrap="nowrap">
        <Code style={{ overflowWrap: "anywhere" }}>{address}</Code>
        <CopyButton value={address}>
          {({ copied, copy }) => (
            <Button size="compact-xs" style={{ flexShrink: 0 }} onClick={copy}>
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
      </Group>
    </Alert>
  );
}
