import { Button, Container, Loader, NativeSelect, Table, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { answered, api } from "../../api/client";
import { HistoryLink } from "../history/HistoryLink";
import { useSession } from "../session/session";
import { AddByEmail } from "./AddByEmail";
import { ErrorNote } from "./ErrorNote";
import { Removed } from "./Removed";
import { loadAgain, type Member, membersQuery, type Role, ROLES } from "./queries";

function roleOf(text: string): Role {
  return ROLES.find(({ value }) => value === text)?.value ?? "viewer";
}

/** Who has a role in the workspace. Managers change it. */
export function MembersPage() {
  const { workspace = "main" } = useParams();
  useDocumentTitle(`Members of ${workspace} – Rowkeep`);
  const { session } = useSession();
  const members = useQuery(membersQuery(workspace));
  const queries = useQueryClient();
  const isManager =
    session?.workspaces.some(({ name, role }) => name === workspace && role === "manager") ?? false;
  const changed = () => loadAgain(queries, ["members", workspace]);
  const [removed, setRemoved] = useState<Member | null>(null);
  const set = useMutation({
    mutationFn: ({ user, role }: { user: string; role: Role }) =>
      answered(
        api.PUT("/api/v1/workspaces/{workspace}/members/{user}", {
          params: { path: { workspace, user } },
          body: { role },
        }),
      ),
    onSuccess: changed,
  });
  const remove = useMutation({
    mutationFn: ({ user }: Member) =>
      answered(
        api.DELETE("/api/v1/workspaces/{workspace}/members/{user}", {
          params: { path: { workspace, user } },
        }),
      ),
    onSuccess: async (_, member) => {
      setRemoved(member);
      await changed();
    },
  });
  return (
    <Container size="md" p="md" w="100%" ml={0}>
      <Title order={1} size="h2" mb="md">
        Members of {workspace}
      </Title>
      <ErrorNote error={members.error ?? set.error ?? remove.error} />
      {isManager && (
        <AddByEmail
          label="Role"
          choices={ROLES}
          first="viewer"
          button="Add member"
          isBusy={set.isPending}
          onAdd={(user, role) => set.mutateAsync({ user, role })}
        />
      )}
      {removed !== null && (
        <Removed
          name={removed.name}
          onUndo={() => {
            set.mutate(removed);
            setRemoved(null);
          }}
        />
      )}
      {members.isPending && <Loader aria-label="Loading members" />}
      {members.data?.length === 0 && (
        <Text>Nobody has a role here yet. Administrators manage every workspace.</Text>
      )}
      {members.data !== undefined && members.data.length > 0 && (
        <Table.ScrollContainer minWidth={300}>
          <Table verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>E-mail address</Table.Th>
                <Table.Th>Role</Table.Th>
                {isManager && (
                  <Table.Th>
                    <span className="visually-hidden">Actions</span>
                  </Table.Th>
                )}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {members.data.map((member) => (
                <MemberRow
                  key={member.user}
                  workspace={workspace}
                  member={member}
                  isManager={isManager}
                  onRole={(role) => set.mutate({ user: member.user, role })}
                  onRemove={() => remove.mutate(member)}
                />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Container>
  );
}

interface MemberRowProps {
  workspace: string;
  member: Member;
  isManager: boolean;
  onRole: (role: Role) => void;
  onRemove: () => void;
}

function MemberRow({ workspace, member, isManager, onRole, onRemove }: MemberRowProps) {
  return (
    <Table.Tr>
      <Table.Td className="long-name">
        {member.name}{" "}
        <HistoryLink workspace={workspace} selection={{ writer: member.user }}>
          History<span className="visually-hidden"> of {member.name}</span>
        </HistoryLink>
      </Table.Td>
      <Table.Td className="long-name">{member.email}</Table.Td>
      <Table.Td>
        {isManager ? (
          <NativeSelect
            size="xs"
            miw={200}
            aria-label={`Role of ${member.name}`}
            data={ROLES}
            value={member.role}
            onChange={(event) => onRole(roleOf(event.currentTarget.value))}
          />
        ) : (
          member.role
        )}
      </Table.Td>
      {isManager && (
        <Table.Td>
          <Button size="compact-xs" variant="subtle" color="red" onClick={onRemove}>
            Remove<span className="visually-hidden"> {member.name}</span>
          </Button>
        </Table.Td>
      )}
    </Table.Tr>
  );
}
