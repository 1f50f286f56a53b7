import { Alert, Anchor, Button, Container, Group, Loader, Table, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { messageOf } from "../../api/errors";
import type { Row, Table as Definition } from "../../api/types";
import { CellView } from "../grid/CellView";
import { type Column, columnsOfTable, isWriterColumn } from "../grid/columns";
import { exactText, localTime } from "../grid/cellText";
import { readPage } from "../grid/rowQueries";
import { tableQuery, tablesQuery, writersQuery } from "../tables/queries";

/** One row: all columns, who wrote it and when, what it references and what references it. */
export function RowPage() {
  const { workspace = "main", name = "", id = "" } = useParams();
  useDocumentTitle(`Row of ${name} – Rowkeep`);
  const table = useQuery(tableQuery(workspace, name));
  const row = useQuery({
    queryKey: ["row", workspace, name, id],
    queryFn: async ({ signal }) => {
      const query = { expressions: [{ field: "_id", operand: "=" as const, value: id }] };
      const page = await readPage({ workspace, kind: "tables", name }, { query, limit: 1 }, signal);
      return page.rows[0] ?? null;
    },
  });
  const error = table.error ?? row.error;
  return (
    <Container size="md" p="md" w="100%" ml={0}>
      <Anchor component={Link} to={`/w/${workspace}/tables/${name}`} size="sm">
        ← {table.data?.name ?? name}
      </Anchor>
      <Title order={1} size="h3" my="sm">
        Row {id}
      </Title>
      {error !== null && (
        <Alert color="red" role="alert">
          <Group>
            {messageOf(error)}
            <Button size="compact-xs" onClick={() => void Promise.all([table.refetch(), row.refetch()])}>
              Try again
            </Button>
          </Group>
        </Alert>
      )}
      {error === null && (table.isPending || row.isPending) && <Loader aria-label="Loading" />}
      {row.data === null && <Text>There is no such row: it was deleted, or the link is wrong.</Text>}
      {table.data !== undefined && row.data != null && (
        <RowDetails workspace={workspace} table={table.data} row={row.data} />
      )}
    </Container>
  );
}

interface RowDetailsProps {
  workspace: string;
  table: Definition;
  row: Row;
}

function RowDetails({ workspace, table, row }: RowDetailsProps) {
  const columns = columnsOfTable(table);
  return (
    <>
      <History workspace={workspace} row={row} />
      <Table verticalSpacing="xs" layout="fixed">
        <Table.Tbody>
          {columns.map((column) => (
            <Table.Tr key={column.name}>
              <Table.Th scope="row" w="35%" fw={column.isSystem ? 400 : 600}>
                {column.name}
              </Table.Th>
              <Table.Td style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
                <Value workspace={workspace} row={row} column={column} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <ReferencedBy workspace={workspace} table={table} row={row} />
    </>
  );
}

function History({ workspace, row }: { workspace: string; row: Row }) {
  const { data } = useQuery(writersQuery(workspace));
  const nameOf = (id: unknown) => data?.get(exactText(id))?.name ?? exactText(id);
  const time = (value: unknown) => (
    <time dateTime={exactText(value)} title={exactText(value)}>
      {localTime(exactText(value))}
    </time>
  );
  return (
    <Text size="sm" c="dimmed" mb="sm">
      Created by {nameOf(row.Created_By)}, {time(row.Created_On)}. Last changed by {nameOf(row.Updated_By)},{" "}
      {time(row.Updated_On)}.
    </Text>
  );
}

interface ValueProps {
  workspace: string;
  row: Row;
  column: Column;
}

function Value({ workspace, row, column }: ValueProps) {
  const writers = useQuery({ ...writersQuery(workspace), enabled: isWriterColumn(column) });
  const value = row[column.name];
  const { reference } = column;
  if (column.type === "json" && value !== null) return <code>{JSON.stringify(value, null, 2)}</code>;
  if (reference !== undefined && value !== null && value !== undefined) {
    return (
      <Anchor component={Link} to={filtered(workspace, reference.table, reference.column, value)}>
        {exactText(value)}
      </Anchor>
    );
  }
  return <CellView value={value} column={column} writers={writers.data} />;
}

/** The rows of other tables that refer to this one, as links. */
function ReferencedBy({ workspace, table, row }: RowDetailsProps) {
  const tables = useQuery(tablesQuery(workspace, "all"));
  const links = (tables.data ?? []).flatMap((other) =>
    other.schemaDef.flatMap(({ name, reference }) => {
      const value = row[reference.column ?? ""];
      const isThis = reference.table?.toLowerCase() === table.name.toLowerCase();
      return isThis && value !== null && value !== undefined ? [{ other: other.name, name, value }] : [];
    }),
  );
  if (links.length === 0) return null;
  return (
    <>
      <Title order={2} size="h5" mt="md" mb="xs">
        Referenced by
      </Title>
      {links.map(({ other, name, value }) => (
        <Text key={`${other}.${name}`} size="sm">
          <Anchor component={Link} to={filtered(workspace, other, name, value)}>
            Rows of {other} by {name}
          </Anchor>
        </Text>
      ))}
    </>
  );
}

/** The address of the rows of a table with a value. */
function filtered(workspace: string, table: string, field: string, value: unknown): string {
  const filter = JSON.stringify({ expressions: [{ field, operand: "=", value }] });
  return `/w/${workspace}/tables/${table}?filter=${encodeURIComponent(filter)}`;
}
