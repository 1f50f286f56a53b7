import { Menu } from "@mantine/core";
import { IconChartArea, IconChartBar, IconChartLine, IconChartPie, IconNumber123 } from "@tabler/icons-react";
import type { Column } from "../grid/columns";
import { ToolButton } from "../grid/ToolButton";
import { type ChartKind, KINDS, redrawn, suitablePlan } from "./plan";
import type { PlanChange } from "./useChartPlan";

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
}

/** Shows the rows as a chart: one click opens the list of drawings, one chooses. */
export function ChartButton({ columns, onPlan }: ChartButtonProps) {
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
      </Menu.Dropdown>
    </Menu>
  );
}
