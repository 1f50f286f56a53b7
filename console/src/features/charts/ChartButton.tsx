import { Menu, ScrollArea, Text } from "@mantine/core";
import { IconChartArea, IconChartBar, IconChartLine, IconChartPie, IconNumber123 } from "@tabler/icons-react";
import { messageOf } from "../../api/errors";
import type { Column } from "../grid/columns";
import { ToolButton } from "../grid/ToolButton";
import { type ChartKind, KINDS, redrawn, suitablePlan } from "./plan";
import type { SavedChart } from "./saved";
import type { PlanChange } from "./useChartPlan";
import type { SavedCharts } from "./useSavedCharts";

const ICONS: Record<ChartKind, typeof IconChartBar> = {
  bar: IconChartBar,
  line: IconChartLine,
  area: IconChartArea,
  pie: IconChartPie,
  number: IconNumber123,
};

interface ChartButtonProps {
  columns: readonly Column[];
  onPlan: (change: PlanChange) => void;
  saved: SavedCharts;
}

/** Shows the rows as a chart: one click opens the list of drawings and of saved charts, one chooses. */
export function ChartButton({ columns, onPlan, saved }: ChartButtonProps) {
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        <ToolButton icon={<IconChartBar size={16} aria-hidden />} label="Chart" count={0} counted="charts" />
      </Menu.Target>
      <Menu.Dropdown>
        {KINDS.map(({ value, label }) => {
          const Icon = ICONS[value];
          return (
            <Menu.Item
              key={value}
              leftSection={<Icon size={14} aria-hidden />}
              onClick={() =>
                onPlan((plan) =>
                  plan === undefined ? suitablePlan(value, columns) : redrawn(plan, value, columns),
                )
              }
            >
              {label}
            </Menu.Item>
          );
        })}
        {saved.error !== null && <Menu.Label>{messageOf(saved.error)}</Menu.Label>}
        {saved.charts.length > 0 && (
          <>
            <Menu.Divider />
            <Menu.Label>Saved charts</Menu.Label>
            <ScrollArea.Autosize mah={260}>
              {saved.charts.map((chart) => (
                <SavedItem key={chart.id} chart={chart} onOpen={() => saved.show(chart)} />
              ))}
            </ScrollArea.Autosize>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

function SavedItem({ chart, onOpen }: { chart: SavedChart; onOpen: () => void }) {
  const Icon = ICONS[chart.kind];
  const by = chart.owner === null ? "" : ` by ${chart.owner.name}`;
  return (
    <Menu.Item leftSection={<Icon size={14} aria-hidden />} maw={320} onClick={onOpen}>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {chart.name}
      </Text>
      <Text size="xs" c="dimmed">
        {chart.shared ? `shared${by}` : "private"}
        {chart.problem !== null && ", cannot be drawn"}
      </Text>
    </Menu.Item>
  );
}
