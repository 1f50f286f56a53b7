import {
  Alert,
  Anchor,
  Badge,
  Button,
  Container,
  Group,
  Loader,
  SegmentedControl,
  Table as Grid,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { messageOf } from "../../api/errors";
import { useIsManager } from "../session/useIsManager";
import { ImportButton } from "../files/Drop";
import { sizesQuery, type TableSize, tablesQuery, viewsQuery, type Whose } from "./queries";
import { type Listed, listed, matching } from "./listed";
import { RowCount } from "./RowCount";
import { bytesText, rowsText } from "./size";

const WHOSE: { value: Whose; label: string }[] = [
  { value: "all", label: "All" },
  { value: "mine", label: "Mine" },
  { value: "shared", label: "Shared with me" },
];

const EMPTY: Record<Whose, string> = {
  all: "There is no table here yet. A manager of the workspace can create one.",
  mine: "You own no table or view here yet.",
  shared: "Nobody shares a table or view with you here yet.",
};

export function TablesPage() {
  const { workspace = "main" } = useParams();
  useDocumentTitle("Tables – Rowkeep");
  const isManager = useIsManager(workspace);
  const [whose, setWhose] = useState<Whose>("all");
  const tables = useQuery(tablesQuery(workspace, whose));
  const views = useQuery(viewsQuery(workspace, whose));
  const [search, setSearch] = useState("");
  const all = listed(tables.data ?? [], views.data ?? []);
  const shown = matching(all, search);
  const error = tables.error ?? views.error;
  return (
    <Container fluid p="md" w="100%">
      <Title order={1} size="h2" mb="md">
        Tables
      </Title>
      <Group mb="md">
        <SegmentedControl
          size="xs"
          aria-label="Whose tables"
          data={WHOSE}
          value={whose}
          onChange={(value) => setWhose(WHOSE.find((each) => each.value === value)?.value ?? "all")}
        />
        <TextInput
          size="xs"
          aria-label="Search tables and views"
          placeholder="Search"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        {isManager && (
          <Group gap="xs">
            <Button size="xs" component={Link} to={`/w/${workspace}/define/tables`}>
              New table
            </Button>
            {all.some(({ kind }) => kind === "tables") && (
              <Button size="xs" variant="default" component={Link} to={`/w/${workspace}/define/views`}>
                New view
              </Button>
            )}
          </Group>
        )}
        <ImportButton workspace={workspace} />
        <Anchor component={Link} to={`/w/${workspace}/import`} size="sm">
          Imports
        </Anchor>
      </Group>
      {error !== null && (
        <Alert color="red" role="alert" mb="md">
          {messageOf(error)}
          <Button
            size="xs"
            variant="light"
            mt="xs"
            onClick={() => void Promise.all([tables.refetch(), views.refetch()])}
          >
            Try again
          </Button>
        </Alert>
      )}
      {tables.isPending || views.isPending ? (
        error === null && <Loader aria-label="Loading tables" />
      ) : (
        <TableList
          workspace={workspace}
          shown={shown}
          total={all.length}
          whose={whose}
          isManager={isManager}
        />
      )}
    </Container>
  );
}

interface TableListProps {
  workspace: string;
  shown: Listed[];
  total: number;
  whose: Whose;
  isManager: boolean;
}

function TableList({ workspace, shown, total, whose, isManager }: TableListProps) {
  const sizes = useQuery(sizesQuery(workspace, whose));
  if (shown.length === 0) {
    const empty = isManager && whose === "all" ? "There is no table here yet. Create one." : EMPTY[whose];
    return <Text>{total > 0 ? "No table or view matches the search." : empty}</Text>;
  }
  return (
    <Grid.ScrollContainer minWidth={300}>
      <Grid highlightOnHover verticalSpacing="xs">
        <Grid.Thead>
          <Grid.Tr>
            <Grid.Th>Name</Grid.Th>
            <Grid.Th ta="right">Rows</Grid.Th>
            <Grid.Th ta="right" visibleFrom="sm">
              Size
            </Grid.Th>
            <Grid.Th ta="right">Columns</Grid.Th>
            <Grid.Th visibleFrom="sm">Description</Grid.Th>
          </Grid.Tr>
        </Grid.Thead>
        <Grid.Tbody>
          {shown.map((each) => (
            <Grid.Tr key={each.name}>
              <Grid.Td className="long-name">
                <Text component={Link} to={`/w/${workspace}/${each.kind}/${each.name}`} c="blue" fw={500}>
                  {each.name}
                </Text>
                {each.kind === "views" && (
                  <Badge ml="xs" size="xs" variant="default">
                    View
                  </Badge>
                )}
              </Grid.Td>
              <Grid.Td ta="right">
                {each.kind === "views" ? (
                  <RowCount workspace={workspace} kind={each.kind} name={each.name} />
                ) : (
                  <Sized sizes={sizes} text={rowsText} name={each.name} />
                )}
              </Grid.Td>
              <Grid.Td ta="right" visibleFrom="sm">
                {each.kind === "tables" && (
                  <Sized sizes={sizes} text={({ bytes }) => bytesText(bytes)} name={each.name} />
                )}
              </Grid.Td>
              <Grid.Td ta="right">{each.columns}</Grid.Td>
              <Grid.Td visibleFrom="sm">{each.description}</Grid.Td>
            </Grid.Tr>
          ))}
        </Grid.Tbody>
      </Grid>
    </Grid.ScrollContainer>
  );
}

interface SizedProps {
  sizes: UseQueryResult<Map<string, TableSize>>;
  name: string;
  text: (size: TableSize) => string;
}

function Sized({ sizes, name, text }: SizedProps) {
  const size = sizes.data?.get(name);
  if (size !== undefined) return text(size);
  if (sizes.isPending) return <Loader size={12} aria-label="Counting" />;
  return (
    <Text span c="dimmed" title={sizes.error?.message}>
      not known
    </Text>
  );
}
