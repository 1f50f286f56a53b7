import { Table, Text } from "@mantine/core";
import type { Inspected } from "./requests";

/** More columns are not drawn; the table of columns has all of them. */
const SHOWN_COLUMNS = 50;

/** The first rows of a file. */
export function FilePreview({ inspected }: { inspected: Inspected }) {
  const columns = inspected.columns.slice(0, SHOWN_COLUMNS);
  const more = inspected.columns.length - columns.length;
  return (
    <>
      <Table.ScrollContainer
        minWidth={300}
        mah={190}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": "First rows" } }}
      >
        <Table stickyHeader verticalSpacing={2} withColumnBorders fz="xs">
          <Table.Thead>
            <Table.Tr>
              {columns.map(({ label, name }) => (
                <Table.Th key={label} style={{ whiteSpace: "nowrap" }}>
                  {name || label}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {inspected.rows.map((row, at) => (
              <Table.Tr key={at}>
                {columns.map(({ label }) => (
                  <Table.Td key={label} maw={240}>
                    <Text fz="xs" truncate c={row[label] == null ? "dimmed" : ""}>
                      {row[label] ?? "null"}
                    </Text>
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {more > 0 && (
        <Text size="xs" c="dimmed">
          {more.toLocaleString()} more columns are not shown here.
        </Text>
      )}
    </>
  );
}
