import { Box, Center, Loader, Table, Text } from "@mantine/core";
import { useId } from "react";
import { notLoadedText, usePart } from "../../app/notLoaded";
import classes from "./ChartFigure.module.css";
import { type ChartData, type Drawing, notDrawn, valueText } from "./data";

interface ChartFigureProps {
  label: string;
  drawing: Drawing;
  data: ChartData;
  height?: number;
}

/** A chart, with a table of its numbers that can be opened. */
export function ChartFigure({ label, drawing, data, height = 220 }: ChartFigureProps) {
  const id = useId();
  const part = usePart("chart", () => import("./Canvas"));
  const reason =
    notDrawn(drawing, data) ??
    (part.error === null ? undefined : `${notLoadedText(part.error)} Load the page again.`);
  const Canvas = part.data?.Canvas;
  return (
    <figure className={classes.figure} aria-labelledby={id}>
      <figcaption id={id} className={classes.caption}>
        {label}
      </figcaption>
      {reason === undefined ? (
        <Box pos="relative" h={height}>
          {Canvas === undefined ? (
            <Center h="100%">
              <Loader size="sm" aria-label="Loading the chart" />
            </Center>
          ) : (
            <Canvas drawing={drawing} data={data} label={label} />
          )}
        </Box>
      ) : (
        <Text size="sm">{reason}</Text>
      )}
      <details className={classes.numbers}>
        <summary>Numbers</summary>
        <Numbers label={label} data={data} />
      </details>
    </figure>
  );
}

function Numbers({ label, data }: { label: string; data: ChartData }) {
  return (
    <div className={classes.scrolled} tabIndex={0} role="region" aria-label={`Numbers: ${label}`}>
      <Table fz="xs" verticalSpacing={2}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{data.category}</Table.Th>
            {data.series.map(({ name }) => (
              <Table.Th key={name} scope="col" ta="right">
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {data.labels.map((each, at) => (
            <Table.Tr key={at}>
              <Table.Th scope="row" fw={400}>
                {each}
              </Table.Th>
              {data.series.map(({ name, values }) => (
                <Table.Td key={name} ta="right">
                  {valueText(values[at] ?? null, data.unit)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
