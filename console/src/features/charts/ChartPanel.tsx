import { Alert, Box, Button, CloseButton, Group, Loader, NativeSelect, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { messageOf } from "../../api/errors";
import type { Filter } from "../../api/types";
import type { Column } from "../grid/columns";
import type { Source } from "../grid/rowQueries";
import { chartOf, totalOf } from "./aggregate";
import { ChartFigure } from "./ChartFigure";
import { valueText } from "./data";
import { AGGREGATES, type ChartPlan, isCategory, isValue, KINDS, redrawn, titleOf } from "./plan";
import { type ChartRows, chartRowsQuery, MOST_ROWS } from "./queries";
import type { PlanChange } from "./useChartPlan";

interface ChartPanelProps {
  source: Source;
  query: Filter | undefined;
  columns: readonly Column[];
  plan: ChartPlan;
  onPlan: (change: PlanChange) => void;
  onClosed: () => void;
  /** What saves the chart. */
  children: ReactNode;
}

/** A chart of the rows that the grid shows. */
export function ChartPanel({ source, query, columns, plan, onPlan, onClosed, children }: ChartPanelProps) {
  const fields = useMemo(() => fieldsOf(plan, columns), [plan, columns]);
  const read = useQuery(chartRowsQuery(source, query, fields));
  return (
    <Box component="section" aria-label="Chart" mx="md" mb="sm">
      <Group gap={6} mb={6} align="end">
        <Choices columns={columns} plan={plan} onPlan={onPlan} />
        {read.isFetching && <Loader size={16} aria-label="Reading the rows of the chart" />}
        <Button size="compact-xs" variant="default" onClick={() => void read.refetch()}>
          Read again
        </Button>
        {children}
        <CloseButton
          ml="auto"
          aria-label="Close the chart"
          onClick={() => {
            onPlan(() => undefined);
            onClosed();
          }}
        />
      </Group>
      {read.error !== null ? (
        <Alert color="red" role="alert">
          {messageOf(read.error)}
        </Alert>
      ) : read.data === undefined ? (
        <Box h={220} />
      ) : (
        <Drawn read={read.data} plan={plan} columns={columns} />
      )}
    </Box>
  );
}

/** At least one column must be read, also to count rows. */
function fieldsOf({ kind, category, value }: ChartPlan, columns: readonly Column[]): string[] {
  const names = [...new Set([kind === "number" ? "" : category, value])].filter(Boolean);
  return names.length > 0 ? names : columns.slice(0, 1).map(({ name }) => name);
}

type ChoicesProps = Pick<ChartPanelProps, "columns" | "plan" | "onPlan">;

function Choices({ columns, plan, onPlan }: ChoicesProps) {
  const values = columns.filter(isValue).map(({ name }) => name);
  const first = values[0];
  const change = (changed: (newest: ChartPlan) => ChartPlan) => onPlan((newest) => changed(newest ?? plan));
  return (
    <>
      <NativeSelect
        size="xs"
        label="Drawn as"
        data={[...KINDS]}
        value={plan.kind}
        onChange={({ currentTarget: { value } }) => {
          const kind = KINDS.find((each) => each.value === value)?.value;
          if (kind !== undefined) change((newest) => redrawn(newest, kind, columns));
        }}
      />
      <NativeSelect
        size="xs"
        label="Values"
        data={AGGREGATES.filter(({ value }) => value === "count" || first !== undefined)}
        value={plan.aggregate}
        onChange={({ currentTarget: { value } }) => {
          const aggregate = AGGREGATES.find((each) => each.value === value)?.value;
          if (aggregate === undefined) return;
          change((newest) => ({
            ...newest,
            aggregate,
            value: aggregate === "count" ? "" : newest.value || (first ?? ""),
          }));
        }}
      />
      {plan.aggregate !== "count" && (
        <NativeSelect
          size="xs"
          label="Of"
          data={values}
          value={plan.value}
          onChange={({ currentTarget: { value } }) => change((newest) => ({ ...newest, value }))}
        />
      )}
      {plan.kind !== "number" && (
        <NativeSelect
          size="xs"
          label="By"
          data={columns.filter(isCategory).map(({ name }) => name)}
          value={plan.category}
          onChange={({ currentTarget: { value: category } }) => change((newest) => ({ ...newest, category }))}
        />
      )}
    </>
  );
}

interface DrawnProps {
  read: ChartRows;
  plan: ChartPlan;
  columns: readonly Column[];
}

function Drawn({ read: { rows, hasMore }, plan, columns }: DrawnProps) {
  const type = columns.find(({ name }) => name === plan.category)?.type ?? "string";
  const data = useMemo(
    () => (plan.kind === "number" ? undefined : chartOf(rows, plan, type)),
    [rows, plan, type],
  );
  return (
    <>
      {hasMore && (
        <Text size="sm" fw={600}>
          Only the first {MOST_ROWS.toLocaleString()} rows are in this chart. Filter the rows for the others.
        </Text>
      )}
      {plan.kind === "number" ? (
        <Text>
          {titleOf(plan)}:{" "}
          <Text span fz={40} fw={700} lh={1.2}>
            {valueText(totalOf(rows, plan)) || "no value"}
          </Text>
        </Text>
      ) : rows.length === 0 || data === undefined ? (
        <Text size="sm">There are no rows to draw.</Text>
      ) : (
        <ChartFigure label={titleOf(plan)} drawing={plan.kind} data={data} />
      )}
    </>
  );
}
