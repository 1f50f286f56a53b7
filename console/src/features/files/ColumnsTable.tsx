import { Checkbox, NativeSelect, Table, Text, TextInput } from "@mantine/core";
import { memo } from "react";
import type { ColumnType } from "../../api/types";
import { type Mapped, type OnMapped, TYPES } from "./mapping";

interface ColumnsTableProps {
  mapped: readonly Mapped[];
  /** The first values of each column, by its label. */
  samples: ReadonlyMap<string, string>;
  /** The columns of the table; undefined for a new one. */
  targets: readonly string[] | undefined;
  onChange: OnMapped;
}

/** Where each column of the file goes. */
export function ColumnsTable({ mapped, samples, targets, onChange }: ColumnsTableProps) {
  return (
    <>
      <datalist id={TARGETS}>
        {targets?.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <Table.ScrollContainer
        minWidth={targets === undefined ? 560 : 440}
        mah={420}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": "Columns" } }}
      >
        <Table stickyHeader verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>In the file</Table.Th>
              <Table.Th>First values</Table.Th>
              <Table.Th>{targets === undefined ? "Name in the table" : "Column of the table"}</Table.Th>
              {targets === undefined && <Table.Th>Type</Table.Th>}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {mapped.map((column) => (
              <ColumnRow
                key={column.label}
                column={column}
                sample={samples.get(column.label) ?? ""}
                targets={targets}
                onChange={onChange}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </>
  );
}

interface ColumnRowProps {
  column: Mapped;
  sample: string;
  targets: readonly string[] | undefined;
  onChange: OnMapped;
}

/** One list for all columns: a list of its own for each would be too many elements in a wide table. */
const TARGETS = "columns-of-the-table";

/** A file can have many columns: only the changed one is drawn again. */
const ColumnRow = memo(function ColumnRow({ column, sample, targets, onChange }: ColumnRowProps) {
  const { label, source, name, isTaken, type } = column;
  const title = source || `column ${label.slice(1)}`;
  return (
    <Table.Tr>
      <Table.Td>
        {targets === undefined ? (
          <Checkbox
            size="xs"
            label={title}
            checked={isTaken}
            onChange={({ currentTarget: { checked } }) => onChange(label, { isTaken: checked })}
          />
        ) : (
          title
        )}
      </Table.Td>
      <Table.Td maw={220}>
        <Text size="xs" c="dimmed" truncate title={sample}>
          {sample}
        </Text>
      </Table.Td>
      <Table.Td>
        {targets === undefined ? (
          <TextInput
            size="xs"
            aria-label={`Name of ${title} in the table`}
            disabled={!isTaken}
            value={name}
            onChange={({ currentTarget: { value } }) => onChange(label, { name: value })}
          />
        ) : (
          <TextInput
            size="xs"
            aria-label={`Column for ${title}`}
            placeholder="left out"
            list={TARGETS}
            value={name}
            onChange={({ currentTarget: { value } }) =>
              onChange(label, { name: value, isTaken: value !== "" })
            }
          />
        )}
      </Table.Td>
      {targets === undefined && (
        <Table.Td>
          <NativeSelect
            size="xs"
            aria-label={`Type of ${title}`}
            disabled={!isTaken}
            data={[...TYPES]}
            value={type}
            onChange={({ currentTarget: { value } }) => onChange(label, { type: value as ColumnType })}
          />
        </Table.Td>
      )}
    </Table.Tr>
  );
});
