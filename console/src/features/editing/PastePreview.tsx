import { ScrollArea, Table, Text } from "@mantine/core";
import { CellView } from "../grid/CellView";
import type { Plan, PlannedCell } from "./paste";

const SHOWN = 50;

/** The rows as they would be: what changes is marked, and what a column cannot hold says why. */
export function PastePreview({ plan, firstRow }: { plan: Plan; firstRow: number }) {
  const shown = plan.rows
    .map((row, at) => ({ ...row, number: firstRow + at + 1 }))
    .filter(({ cells }) => plan.problems === 0 || cells.some(({ result }) => "problem" in result))
    .slice(0, SHOWN);
  return (
    <>
      <Text size="sm" role="status">
        {summaryOf(plan)}
      </Text>
      {plan.notes.map((note) => (
        <Text key={note} size="sm">
          {note}
        </Text>
      ))}
      <ScrollArea.Autosize mah="45vh" viewportProps={{ tabIndex: 0, "aria-label": "Preview" }}>
        <Table withTableBorder withColumnBorders verticalSpacing={4} fz="xs" aria-label="Preview">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Row</Table.Th>
              {plan.columns.map(({ name }) => (
                <Table.Th key={name} scope="col">
                  {name}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map(({ row, cells, number }) => (
              <Table.Tr key={number}>
                <Table.Th scope="row">{row === undefined ? "new" : number.toLocaleString()}</Table.Th>
                {plan.columns.map(({ name }) => (
                  <Table.Td key={name} maw={240} style={{ overflowWrap: "anywhere" }}>
                    <Change
                      cell={cells.find(({ column }) => column.name === name)}
                      isNew={row === undefined}
                    />
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
      {plan.rows.length > shown.length && plan.problems === 0 && (
        <Text size="xs" c="dimmed">
          The first {shown.length} of {plan.rows.length.toLocaleString()} rows are shown.
        </Text>
      )}
    </>
  );
}

function Change({ cell, isNew }: { cell: PlannedCell | undefined; isNew: boolean }) {
  if (cell === undefined) return null;
  const { column, before, result, isChanged } = cell;
  if ("problem" in result) {
    return (
      <Text size="xs" c="red">
        {result.problem}
      </Text>
    );
  }
  if (isNew && !isChanged) return <Text size="xs">default</Text>;
  const after = <CellView value={shownValue(cell)} column={column} writers={undefined} />;
  if (isNew) return after;
  if (!isChanged) return <Text size="xs">unchanged</Text>;
  return (
    <>
      <del>
        <CellView value={before} column={column} writers={undefined} />
      </del>
      {" → "}
      <ins style={{ fontWeight: 600, textDecoration: "none" }}>{after}</ins>
    </>
  );
}

function shownValue({ result }: PlannedCell): unknown {
  return "value" in result ? result.value : null;
}

function summaryOf({ changedCells, changedRows, newRows, problems }: Plan): string {
  if (problems > 0) {
    return `${count(problems, "field")} cannot be stored. Correct the spreadsheet, then copy it again.`;
  }
  const parts = [
    ...(changedCells > 0 ? [`changes ${count(changedCells, "cell")} in ${count(changedRows, "row")}`] : []),
    ...(newRows > 0 ? [`adds ${count(newRows, "row")}`] : []),
  ];
  return parts.length === 0 ? "Nothing would change." : `This ${parts.join(" and ")}.`;
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}
