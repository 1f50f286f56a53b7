import { Alert, Anchor, Badge, Button, Group, Loader, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { messageOf } from "../../api/errors";
import { useIsManager } from "../session/useIsManager";
import { useSession } from "../session/session";
import { type Listed, listed } from "../tables/listed";
import { sizesQuery, tablesQuery, viewsQuery } from "../tables/queries";
import { RowCount } from "../tables/RowCount";
import { bytesText, rowsText } from "../tables/size";
import { byUse, readRecent, recentKey } from "./recent";

const MOST_SHOWN = 12;

/** The tables and views that the user sees, the last used first. */
export function OwnTables({ workspace }: { workspace: string }) {
  const { session } = useSession();
  const tables = useQuery(tablesQuery(workspace, "all"));
  const views = useQuery(viewsQuery(workspace, "all"));
  const [recent] = useState(() => readRecent(localStorage.getItem(recentKey(session?.id ?? "", workspace))));
  const error = tables.error ?? views.error;
  const all = byUse(listed(tables.data ?? [], views.data ?? []), recent);
  return (
    <section aria-labelledby="tables">
      <Title order={2} size="h4" mb="xs" id="tables">
        Tables and views
      </Title>
      {tables.isPending || views.isPending || error !== null ? (
        error === null ? (
          <Loader aria-label="Loading the list" />
        ) : (
          <Alert color="red" role="alert">
            {messageOf(error)}
            <Button
              size="xs"
              variant="light"
              ml="sm"
              onClick={() => void Promise.all([tables.refetch(), views.refetch()])}
            >
              Try again
            </Button>
          </Alert>
        )
      ) : all.length === 0 ? (
        <None workspace={workspace} />
      ) : (
        <>
          <List workspace={workspace} shown={all.slice(0, MOST_SHOWN)} />
          {all.length > MOST_SHOWN && (
            <Anchor component={Link} to={`/w/${workspace}/tables`} size="sm">
              All {all.length.toLocaleString()}
            </Anchor>
          )}
        </>
      )}
    </section>
  );
}

function None({ workspace }: { workspace: string }) {
  return useIsManager(workspace) ? (
    <>
      <Text size="sm">There is no table here yet. Create one, or import a file: it becomes a table.</Text>
      <Group mt="sm" gap="xs">
        <Button component={Link} to={`/w/${workspace}/define/tables`} size="xs">
          Create a table
        </Button>
        <Button component={Link} to={`/w/${workspace}/import`} size="xs" variant="default">
          Import a file
        </Button>
      </Group>
    </>
  ) : (
    <Text size="sm">There is no table here yet. A manager of the workspace can create one or share one.</Text>
  );
}

function List({ workspace, shown }: { workspace: string; shown: Listed[] }) {
  const sizes = useQuery(sizesQuery(workspace, "all"));
  return (
    <Table.ScrollContainer minWidth={300}>
      <Table highlightOnHover verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th ta="right">Rows</Table.Th>
            <Table.Th ta="right">Size</Table.Th>
            <Table.Th visibleFrom="sm">Description</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map(({ kind, name, description }) => {
            const size = sizes.data?.get(name);
            return (
              <Table.Tr key={name}>
                <Table.Td className="long-name">
                  <Text component={Link} to={`/w/${workspace}/${kind}/${name}`} c="blue" fw={500}>
                    {name}
                  </Text>
                  {kind === "views" && (
                    <Badge ml="xs" size="xs" variant="default">
                      View
                    </Badge>
                  )}
                </Table.Td>
                <Table.Td ta="right">
                  {kind === "views" ? (
                    <RowCount workspace={workspace} kind={kind} name={name} />
                  ) : (
                    size !== undefined && rowsText(size)
                  )}
                </Table.Td>
                <Table.Td ta="right">
                  {kind === "tables" && size !== undefined && bytesText(size.bytes)}
                </Table.Td>
                <Table.Td visibleFrom="sm">{description}</Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
