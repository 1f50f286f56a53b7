import { Alert, Anchor, Button, Container, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { messageOf } from "../../api/errors";
import type { Row } from "../../api/types";
import { readRow } from "../editing/changes";
import { columnsOfTable } from "../grid/columns";
import { exactText, localTime } from "../grid/cellText";
import { RowHistory } from "../history/RowHistory";
import { tableQuery, writersQuery } from "../tables/queries";
import { useUsable } from "../tables/useUsable";
import { ReferringRows } from "./ReferringRows";
import { RowValues } from "./RowValues";

/** One row: all columns, who wrote it and when, what it references and what references it. */
export function RowPage() {
  const { workspace = "main", name = "", id = "" } = useParams();
  useDocumentTitle(`Row of ${name} – Rowkeep`);
  const table = useQuery(tableQuery(workspace, name));
  const usable = useUsable(workspace, name);
  const row = useQuery({
    queryKey: ["row", workspace, name, id],
    queryFn: ({ signal }) => readRow({ workspace, table: name }, id, signal),
  });
  const error = table.error ?? usable.error ?? row.error;
  const isPending = table.isPending || usable.data === undefined || row.isPending;
  const retry = () => void Promise.all([table.refetch(), usable.refetch(), row.refetch()]);
  return (
    <Container size="md" p="md" w="100%" ml={0}>
      <Anchor component={Link} to={`/w/${workspace}/tables/${name}`} size="sm">
        ← {table.data?.name ?? name}
      </Anchor>
      <Title order={1} size="h3" my="sm" style={{ overflowWrap: "anywhere" }}>
        Row {id}
      </Title>
      {error !== null && (
        <Alert color="red" role="alert" mb="sm">
          <Group>
            {messageOf(error)}
            <Button size="compact-xs" onClick={retry}>
              Try again
            </Button>
          </Group>
        </Alert>
      )}
      {error === null && isPending && <Waiting />}
      {row.data === null && (
        <Text>
          There is no such row now: it was deleted, or the link is wrong.{" "}
          <Anchor component={Link} to={`/w/${workspace}/tables/${name}`}>
            All rows of {name}
          </Anchor>
        </Text>
      )}
      {table.data !== undefined && usable.data !== undefined && row.data != null && (
        <>
          <Writers workspace={workspace} row={row.data} />
          <RowValues
            key={id}
            place={{ workspace, table: name }}
            id={id}
            row={row.data}
            columns={columnsOfTable(table.data)}
            usable={usable.data}
            canWrite={usable.found?.rights.includes("write") ?? false}
          />
          <ReferringRows workspace={workspace} table={table.data.name} row={row.data} usable={usable.data} />
        </>
      )}
      {table.data !== undefined && usable.data !== undefined && row.data !== undefined && (
        <RowHistory
          key={`history ${id}`}
          workspace={workspace}
          table={table.data}
          id={id}
          isGone={row.data === null}
          mayUndo={usable.found?.rights.some((right) => right !== "read") ?? false}
        />
      )}
    </Container>
  );
}

function Waiting() {
  return (
    <Stack gap="xs" role="status" aria-label="Loading">
      {Array.from({ length: 6 }, (_, at) => (
        <Skeleton key={at} height={24} />
      ))}
    </Stack>
  );
}

function Writers({ workspace, row }: { workspace: string; row: Row }) {
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
