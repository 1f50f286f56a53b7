import { Anchor, Table } from "@mantine/core";
import { Link } from "react-router";
import type { Row, UsableTable } from "../../api/types";
import { CellView } from "../grid/CellView";
import type { Column } from "../grid/columns";
import { previewed, rowAddress } from "./references";

interface RowsPreviewProps {
  workspace: string;
  table: UsableTable;
  rows: readonly Row[];
  label: string;
}

/** The first columns of some rows, each with a link to its page. */
export function RowsPreview({ workspace, table, rows, label }: RowsPreviewProps) {
  const columns = previewed(table).map(({ name, type, isRequired }): Column => ({
    name,
    type,
    isRequired,
    isSystem: false,
    isEncrypted: false,
  }));
  return (
    <Table.ScrollContainer
      minWidth={columns.length * 90}
      scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "group", "aria-label": label } }}
    >
      <Table aria-label={label} verticalSpacing={4} withTableBorder>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Row</Table.Th>
            {columns.map(({ name }) => (
              <Table.Th key={name}>{name}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={String(row._id)}>
              <Table.Td>
                <Anchor
                  component={Link}
                  to={rowAddress(workspace, table.name, row)}
                  size="sm"
                  aria-label={`Open row ${String(row._id)} of ${table.name}`}
                >
                  Open
                </Anchor>
              </Table.Td>
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
  );
}
