import {
  Badge,
  Button,
  Checkbox,
  Container,
  Group,
  Loader,
  Modal,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { answered, api } from "../../api/client";
import { HistoryLink } from "../history/HistoryLink";
import { useSession } from "../session/session";
import { ErrorNote } from "./ErrorNote";
import { LinkNote, linkOf, type NewLink } from "./NewUser";
import { addUser, loadAgain, type User, usersQuery } from "./queries";
import { UserActions } from "./UserActions";

/** The users of the installation, for administrators. */
export function UsersPage() {
  useDocumentTitle("Users – Rowkeep");
  const { workspace = "main" } = useParams();
  const users = useQuery(usersQuery());
  const queries = useQueryClient();
  const { session } = useSession();
  const [link, setLink] = useState<NewLink | null>(null);
  const [resetting, setResetting] = useState<User | null>(null);
  const changed = () => loadAgain(queries, ["users"]);
  const patch = useMutation({
    mutationFn: ({ user, ...body }: { user: string; disabled?: boolean; admin?: boolean }) =>
      answered(api.PATCH("/api/v1/users/{user}", { params: { path: { user } }, body })),
    onSuccess: changed,
  });
  const reset = useMutation({
    mutationFn: ({ id }: User) =>
      answered(api.POST("/api/v1/users/{user}/reset", { params: { path: { user: id } } })),
    onSuccess: (answer, { name }) => {
      setResetting(null);
      setLink({ name, link: answer.link });
    },
  });
  return (
    <Container size="lg" p="md" w="100%" ml={0}>
      <Title order={1} size="h2" mb="md">
        Users
      </Title>
      <ErrorNote error={users.error ?? patch.error} />
      <AddUser
        onAdded={async (added) => {
          setLink(added);
          await changed();
        }}
      />
      {link !== null && <LinkNote {...link} onClose={() => setLink(null)} />}
      <ResetDialog
        user={resetting}
        error={reset.error}
        isBusy={reset.isPending}
        onReset={(user) => reset.mutate(user)}
        onCancel={() => setResetting(null)}
      />
      {users.isPending && <Loader aria-label="Loading users" />}
      <Table.ScrollContainer minWidth={300}>
        <Table verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>E-mail address</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>
                <span className="visually-hidden">Actions</span>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {users.data?.map((user) => (
              <Table.Tr key={user.id}>
                <Table.Td className="long-name">{user.name}</Table.Td>
                <Table.Td className="long-name">{user.email}</Table.Td>
                <Table.Td>
                  {user.admin && (
                    <Badge size="xs" miw="max-content">
                      administrator
                    </Badge>
                  )}{" "}
                  {user.disabled && (
                    <Badge size="xs" variant="default">
                      disabled
                    </Badge>
                  )}
                </Table.Td>
                <Table.Td>
                  <Group gap={4}>
                    <HistoryLink workspace={workspace} selection={{ writer: user.id }}>
                      History<span className="visually-hidden"> of {user.name}</span>
                    </HistoryLink>
                    <Button size="compact-xs" variant="subtle" onClick={() => setResetting(user)}>
                      New password link<span className="visually-hidden"> for {user.name}</span>
                    </Button>
                    {user.id !== session?.id && (
                      <Button
                        size="compact-xs"
                        variant="subtle"
                        color="red"
                        onClick={() => patch.mutate({ user: user.id, disabled: !user.disabled })}
                      >
                        {user.disabled ? "Enable" : "Disable"}
                        <span className="visually-hidden"> {user.name}</span>
                      </Button>
                    )}
                    {user.id !== session?.id && <UserActions user={user} />}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Container>
  );
}

interface ResetDialogProps {
  /** null: closed. */
  user: User | null;
  error: Error | null;
  isBusy: boolean;
  onReset: (user: User) => void;
  onCancel: () => void;
}

/** Asks first: the user is signed out, perhaps in the middle of something. */
function ResetDialog({ user, error, isBusy, onReset, onCancel }: ResetDialogProps) {
  return (
    <Modal
      opened={user !== null}
      onClose={onCancel}
      title={`New password link for ${user?.name ?? ""}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <ErrorNote error={error} />
      {user !== null && (
        <>
          <Text size="sm" mb="md">
            {user.name} is signed out everywhere, and an earlier link stops working. The password stays as it
            is until {user.name} sets a new one.
          </Text>
          <Group>
            <Button data-autofocus loading={isBusy} onClick={() => onReset(user)}>
              Make the link
            </Button>
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
          </Group>
        </>
      )}
    </Modal>
  );
}

function AddUser({ onAdded }: { onAdded: (link: NewLink | null) => Promise<void> }) {
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [isAdmin, setAdmin] = useState(false);
  const add = useMutation({
    mutationFn: () => addUser({ name, email, admin: isAdmin }),
    onSuccess: async (user) => {
      setName("");
      setEmail("");
      setAdmin(false);
      await onAdded(linkOf(user));
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate();
      }}
    >
      <ErrorNote error={add.error} />
      <Group align="flex-end" mb="md">
        <TextInput
          size="xs"
          label="Name"
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          size="xs"
          label="E-mail address"
          type="email"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <Checkbox
          size="xs"
          mb={7}
          label="Administrator"
          checked={isAdmin}
          onChange={(event) => setAdmin(event.currentTarget.checked)}
        />
        <Button size="xs" type="submit" loading={add.isPending}>
          Add user
        </Button>
      </Group>
    </form>
  );
}
