import { Alert, Button, Group, Text } from "@mantine/core";
import type { Column } from "../grid/columns";
import type { Source } from "../grid/rowQueries";
import { suitablePlan } from "./plan";
import { ChartActions, ChartName } from "./SavedTools";
import type { SavedChart } from "./saved";
import type { SavedCharts } from "./useSavedCharts";

interface BrokenChartProps {
  source: Source;
  chart: SavedChart;
  columns: readonly Column[];
  saved: SavedCharts;
}

/** A saved chart that cannot be drawn any more, and what can be done. */
export function BrokenChart({ source, chart, columns, saved }: BrokenChartProps) {
  return (
    <Alert color="red" role="alert" mx="md" mb="sm" title="This chart cannot be drawn">
      <ChartName chart={chart} />
      <Text size="sm" my="xs">
        {chart.problem}
      </Text>
      <Group gap="xs">
        <Button
          size="compact-xs"
          onClick={() => saved.show({ ...chart, ...suitablePlan(chart.kind, columns) })}
        >
          Choose other columns
        </Button>
        {chart.canChange && <ChartActions source={source} chart={chart} saved={saved} />}
        <Button size="compact-xs" variant="default" onClick={saved.close}>
          Close
        </Button>
      </Group>
    </Alert>
  );
}
