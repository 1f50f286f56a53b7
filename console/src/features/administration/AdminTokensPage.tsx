import { Alert, Button, Group, Loader, Table, Text, TextInput } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { readAgain } from "../../api/queries";
import { ConfirmDialog } from "../apps/ConfirmDialog";
import { CopyLine } from "../apps/CopyLine";
import { localTime } from "../grid/cellText";
import { ErrorNote } from "../people/ErrorNote";
import {
  type AdminToken,
  adminTokensQuery,
  createAdminToken,
  deleteAdminToken,
  type NewAdminToken,
} from "./queries";
import { OnlyAdministrators } from "./OnlyAdministrators";

/** The tokens with which programs manage the installation. */
export function AdminTokensPage() {
  useDocumentTitle("Admin tokens – Rowkeep");
  return (
    <OnlyAdministrators title="Admin tokens">
      <AdminTokens />
    </OnlyAdministrators>
  );
}

function AdminTokens() {
  const tokens = useQuery(adminTokensQuery());
  const [created, setCreated] = useState<NewAdminToken | null>(null);
  const [asked, setAsked] = useState<AdminToken | null>(null);
  const queries = useQueryClient();
  const changed = () => readAgain(queries, ["admin tokens"]);
  const remove = useMutation({
    mutationFn: ({ id }: AdminToken) => deleteAdminToken(id),
    onSuccess: async (_, { id }) => {
      setAsked(null);
      if (created?.id === id) setCreated(null);
      await changed();
    },
  });
  return (
    <>
      <Text size="sm" mb="md">
        Whoever has one may do everything: in scripts, with the commands, and by the management API.
      </Text>
      <ErrorNote error={tokens.error} />
      <NewToken
        onCreated={async (token) => {
          setCreated(token);
          await changed();
        }}
      />
      {created !== null && (
        <Alert
          mb="md"
          title={`Copy the token${created.name === "" ? "" : ` ${created.name}`} now`}
          withCloseButton
          closeButtonLabel="Hide the token"
          onClose={() => setCreated(null)}
        >
          <Text size="sm" mb="xs">
            It is not shown again later. If it is lost, create a new one.
          </Text>
          <CopyLine name="the token" value={created.token} />
        </Alert>
      )}
      {tokens.isPending && <Loader aria-label="Loading admin tokens" />}
      {tokens.data !== undefined && (
        <Table.ScrollContainer minWidth={300}>
          <Table verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Created</Table.Th>
                <Table.Th>
                  <span className="visually-hidden">Actions</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {tokens.data.map((token) => (
                <Table.Tr key={token.id}>
                  <Table.Td>{token.name === "" ? token.id : token.name}</Table.Td>
                  <Table.Td>{localTime(token.createdOn)}</Table.Td>
                  <Table.Td>
                    {tokens.data.length > 1 ? (
                      <Button size="compact-xs" variant="subtle" color="red" onClick={() => setAsked(token)}>
                        Delete<span className="visually-hidden"> {token.name || token.id}</span>
                      </Button>
                    ) : (
                      <Text size="sm" c="dimmed">
                        The last one cannot be deleted.
                      </Text>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {asked !== null && (
        <ConfirmDialog
          title={`Delete ${asked.name || asked.id}?`}
          action="Delete the token"
          error={remove.error}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate(asked)}
          onCancel={() => {
            remove.reset();
            setAsked(null);
          }}
        >
          <Text size="sm">
            Requests with it are refused at once. What was done with it stays, also in the audit log.
          </Text>
        </ConfirmDialog>
      )}
    </>
  );
}

function NewToken({ onCreated }: { onCreated: (token: NewAdminToken) => Promise<void> }) {
  const [name, setName] = useState("");
  const create = useMutation({
    mutationFn: () => createAdminToken(name.trim()),
    onSuccess: async (token) => {
      setName("");
      await onCreated(token);
    },
  });
  return (
    <form
      aria-label="New admin token"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate();
      }}
    >
      <ErrorNote error={create.error} />
      <Group align="flex-end" mb="md">
        <TextInput
          size="xs"
          label="Name"
          description="What it is for."
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button size="xs" type="submit" loading={create.isPending}>
          Create token
        </Button>
      </Group>
    </form>
  );
}
