import { Loader, Stack, Table, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { CellView } from "../grid/CellView";
import type { Column } from "../grid/columns";
import { type Preview, previewView } from "./api";
import { problemsOf } from "./problems";
import { ProblemList } from "./ProblemList";

const WAIT_MS = 400;

interface ViewPreviewProps {
  workspace: string;
  /** The definition; undefined if it is not complete. */
  text: string | undefined;
  onGoTo: (pointer: string) => void;
}

/** The first rows that the view would have, while it is edited. */
export function ViewPreview({ workspace, text, onGoTo }: ViewPreviewProps) {
  const [wanted] = useDebouncedValue(text, WAIT_MS);
  const preview = useQuery({
    queryKey: ["preview", workspace, wanted],
    queryFn: ({ signal }) => previewView(workspace, wanted ?? "", signal),
    enabled: wanted !== undefined,
    placeholderData: keepPreviousData,
    gcTime: 0,
    retry: false,
  });
  return (
    <Stack gap="xs" component="section" aria-label="Preview">
      <Title order={2} size="h4">
        Preview {preview.isFetching && <Loader size={14} aria-label="Loading the preview" />}
      </Title>
      {wanted === undefined ? (
        <Text size="sm">The first rows are shown when the view has a table and a column.</Text>
      ) : preview.error !== null ? (
        <ProblemList problems={problemsOf(preview.error)} onGoTo={onGoTo} />
      ) : (
        preview.data !== undefined && <Rows preview={preview.data} />
      )}
    </Stack>
  );
}

const SCROLL = {
  viewportProps: { tabIndex: 0, role: "group", "aria-label": "Rows of the preview" },
} as const;

function Rows({ preview }: { preview: Preview }) {
  const columns = preview.metaInfo.map(({ name, type }): Column => ({
    name,
    type,
    isSystem: false,
    isRequired: false,
    isEncrypted: false,
  }));
  const rows = preview.queryResult as Record<string, unknown>[];
  return (
    <>
      <Table.ScrollContainer minWidth={columns.length * 90} scrollAreaProps={SCROLL}>
        <Table aria-label="Preview" verticalSpacing={4} withTableBorder>
          <Table.Thead>
            <Table.Tr>
              {columns.map(({ name, type }) => (
                <Table.Th key={name} title={type}>
                  {name}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row, at) => (
              <Table.Tr key={at}>
                {columns.map((column) => (
                  <Table.Td key={column.name} style={{ overflowWrap: "anywhere" }}>
                    <CellView value={row[column.name]} column={column} writers={undefined} />
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Text size="sm" role="status">
        {rows.length === 0
          ? "No rows."
          : preview.hasMore
            ? `The first ${rows.length} rows.`
            : `${rows.length} rows.`}
      </Text>
    </>
  );
}
