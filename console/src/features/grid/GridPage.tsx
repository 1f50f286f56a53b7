import { Alert, Anchor, Button, Center, Group, Loader, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconCode, IconHistoryToggle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link, useParams } from "react-router";
import { messageOf } from "../../api/errors";
import { NotFound } from "../../app/ErrorPage";
import { DefinitionLink } from "../definitions/DefinitionLink";
import { ImportButton } from "../files/Drop";
import { historyAddress } from "../history/selection";
import { useRecordUse } from "../home/recent";
import { ShareButton } from "../people/ShareButton";
import type { Kind } from "../tables/listed";
import { tableQuery } from "../tables/queries";
import { useListsAgain } from "../tables/useListsAgain";
import { useUsable } from "../tables/useUsable";
import { type Column, columnsOfTable, columnsOfView } from "./columns";
import { RowsGrid } from "./RowsGrid";

/** The rows of a table or of a view. */
export function GridPage() {
  const { workspace = "main", kind = "", name = "" } = useParams();
  if (kind === "tables") return <TablePage key={`${workspace}/${name}`} workspace={workspace} name={name} />;
  if (kind === "views") return <ViewPage key={`${workspace}/${name}`} workspace={workspace} name={name} />;
  return <NotFound />;
}

interface PageProps {
  workspace: string;
  name: string;
}

function TablePage({ workspace, name }: PageProps) {
  const table = useQuery(tableQuery(workspace, name));
  const usable = useUsable(workspace, name);
  const columns = useMemo(() => table.data && columnsOfTable(table.data), [table.data]);
  const error = table.error ?? usable.error;
  if (table.data === undefined || columns === undefined || usable.data === undefined) {
    const retry = () => void Promise.all([table.refetch(), usable.refetch()]);
    return error === null ? <Waiting /> : <Refused error={error} onRetry={retry} />;
  }
  const rights = usable.found?.rights ?? [];
  return (
    <Page
      workspace={workspace}
      kind="tables"
      name={table.data.name}
      description={table.data.description}
      columns={columns}
      rights={rights}
    />
  );
}

function ViewPage({ workspace, name }: PageProps) {
  const usable = useUsable(workspace, name);
  const view = usable.found;
  const columns = useMemo(() => view && columnsOfView(view), [view]);
  if (usable.data === undefined) {
    if (usable.error === null) return <Waiting />;
    return <Refused error={usable.error} onRetry={() => void usable.refetch()} />;
  }
  if (view === undefined || columns === undefined) return <NotFound />;
  return (
    <Page
      workspace={workspace}
      kind="views"
      name={view.name}
      description={view.description}
      columns={columns}
      rights={[]}
    />
  );
}

interface LoadedProps extends PageProps {
  kind: Kind;
  description: string;
  columns: Column[];
  rights: readonly ("read" | "write" | "delete")[];
}

function Page({ description, ...grid }: LoadedProps) {
  useDocumentTitle(`${grid.name} – Rowkeep`);
  useRecordUse(grid);
  return (
    <>
      <Group px="md" pt="xs" gap="xs" align="baseline">
        <Title order={1} size="h4" style={{ overflowWrap: "anywhere" }}>
          {grid.name}
        </Title>
        <Text size="sm" c="dimmed" truncate>
          {description}
        </Text>
        <Button
          size="compact-sm"
          variant="default"
          style={{ flexShrink: 0 }}
          leftSection={<IconCode size={14} aria-hidden />}
          component={Link}
          to={`/w/${grid.workspace}/${grid.kind}/${grid.name}/code`}
          aria-label="Code"
        >
          <Text span inherit visibleFrom="sm">
            Code
          </Text>
        </Button>
        {grid.kind === "tables" && (
          <Button
            size="compact-sm"
            variant="default"
            style={{ flexShrink: 0 }}
            component={Link}
            visibleFrom="sm"
            to={historyAddress(grid.workspace, { table: grid.name })}
            aria-label={`History of ${grid.name}`}
            title="History"
          >
            <IconHistoryToggle size={14} aria-hidden />
          </Button>
        )}
        <ShareButton source={grid} />
        <DefinitionLink {...grid} />
        {grid.rights.includes("write") && (
          <ImportButton workspace={grid.workspace} table={grid.name} size="compact-sm" />
        )}
      </Group>
      <RowsGrid {...grid} />
    </>
  );
}

function Waiting() {
  return (
    <Center p="xl">
      <Loader aria-label="Loading" />
    </Center>
  );
}

function Refused({ error, onRetry }: { error: Error; onRetry: () => void }) {
  useListsAgain(error);
  return (
    <Stack p="md" align="flex-start">
      <Title order={1} size="h4">
        The table cannot be shown
      </Title>
      <Alert color="red" role="alert">
        {messageOf(error)}
      </Alert>
      <Group>
        <Button onClick={onRetry}>Try again</Button>
        <Anchor component={Link} to="..">
          All tables
        </Anchor>
      </Group>
    </Stack>
  );
}
