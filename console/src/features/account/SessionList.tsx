import { Badge, Button, Group, Loader, Table, Text, Title } from "@mantine/core";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { localTime } from "../grid/cellText";
import { ErrorNote } from "../people/ErrorNote";
import { loadAgain } from "../people/queries";
import { useSession } from "../session/session";
import { deviceOf } from "./device";

const KEY = ["own sessions"];

const ownSessionsQuery = () =>
  queryOptions({
    queryKey: KEY,
    queryFn: async ({ signal }) => (await answered(api.GET("/api/v1/sessions", { signal }))).sessions,
  });

/** Where the user is signed in. */
export function SessionList() {
  const { signOut } = useSession();
  const sessions = useQuery(ownSessionsQuery());
  const queries = useQueryClient();
  const changed = () => loadAgain(queries, KEY);
  const end = useMutation({
    mutationFn: (session: string) =>
      answered(api.DELETE("/api/v1/sessions/{session}", { params: { path: { session } } })),
    onSettled: changed,
  });
  const endOthers = useMutation({
    mutationFn: () => answered(api.DELETE("/api/v1/sessions")),
    onSettled: changed,
  });
  return (
    <section aria-labelledby="sessions">
      <Title order={2} size="h4" mb="xs" id="sessions">
        Where you are signed in
      </Title>
      <ErrorNote error={sessions.error ?? end.error ?? endOthers.error} />
      {sessions.isPending && <Loader aria-label="Loading sessions" />}
      {sessions.data !== undefined && (
        <Table.ScrollContainer minWidth={300}>
          <Table verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Device</Table.Th>
                <Table.Th>Address</Table.Th>
                <Table.Th>Signed in</Table.Th>
                <Table.Th>Last used</Table.Th>
                <Table.Th>
                  <span className="visually-hidden">Actions</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {sessions.data.map((each) => (
                <Table.Tr key={each.id}>
                  <Table.Td>
                    <span title={each.agent}>{deviceOf(each.agent)}</span>{" "}
                    {each.current && <Badge size="xs">this one</Badge>}
                  </Table.Td>
                  <Table.Td>{each.address}</Table.Td>
                  <Table.Td>
                    <span title={each.createdOn}>{localTime(each.createdOn)}</span>
                  </Table.Td>
                  <Table.Td>
                    <span title={each.lastSeenOn}>{localTime(each.lastSeenOn)}</span>
                  </Table.Td>
                  <Table.Td>
                    <Button
                      size="compact-xs"
                      variant="subtle"
                      color="red"
                      onClick={() => (each.current ? void signOut() : end.mutate(each.id))}
                    >
                      {each.current ? "Sign out" : "Sign out there"}
                      <span className="visually-hidden"> ({deviceOf(each.agent)})</span>
                    </Button>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {sessions.data?.length === 1 && <Text size="sm">You are signed in nowhere else.</Text>}
      {sessions.data !== undefined && sessions.data.length > 1 && (
        <Group mt="xs">
          <Button
            size="xs"
            variant="default"
            loading={endOthers.isPending}
            onClick={() => endOthers.mutate()}
          >
            Sign out everywhere else
          </Button>
        </Group>
      )}
    </section>
  );
}
