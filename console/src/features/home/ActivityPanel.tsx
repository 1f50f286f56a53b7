import { Alert, Button, Loader, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { messageOf } from "../../api/errors";
import { ChartFigure } from "../charts/ChartFigure";
import { localTime } from "../grid/cellText";
import { type Activity, growthChart, refusalsChart, requestsChart } from "./activity";
import { activityQuery } from "./queries";

/** What needs attention, and what the servers have counted, for administrators. */
export function ActivityPanel() {
  const activity = useQuery(activityQuery());
  if (activity.data === undefined) {
    if (activity.error === null) return <Loader mb="md" aria-label="Loading what needs attention" />;
    return (
      <Alert color="red" role="alert" mb="md">
        {messageOf(activity.error)}
        <Button size="xs" variant="light" ml="sm" onClick={() => void activity.refetch()}>
          Try again
        </Button>
      </Alert>
    );
  }
  return (
    <>
      <Notices notices={activity.data.notices} />
      <Charts activity={activity.data} />
    </>
  );
}

function Notices({ notices }: Pick<Activity, "notices">) {
  return (
    <section aria-labelledby="attention">
      <Title order={2} size="h4" mb="xs" id="attention">
        What needs attention
      </Title>
      {notices.length === 0 ? (
        <Text mb="lg" size="sm">
          <IconCircleCheck size={16} aria-hidden style={{ verticalAlign: "text-bottom" }} /> Nothing.
        </Text>
      ) : (
        <Stack gap="xs" mb="lg">
          {notices.map(({ about, level, message }) => (
            <Alert
              key={`${about} ${message}`}
              py="xs"
              color={level === "error" ? "red" : "yellow"}
              icon={<IconAlertTriangle size={18} aria-hidden />}
            >
              <strong>{level === "error" ? "Error" : "Warning"}:</strong> {message}
            </Alert>
          ))}
        </Stack>
      )}
    </section>
  );
}

function Charts({ activity }: { activity: Activity }) {
  const requests = useMemo(() => requestsChart(activity), [activity]);
  const refusals = useMemo(() => refusalsChart(activity), [activity]);
  const growth = useMemo(() => growthChart(activity), [activity]);
  return (
    <section aria-labelledby="activity">
      <Title order={2} size="h4" mb="xs" id="activity">
        The last day, in all workspaces
      </Title>
      {activity.points.length === 0 ? (
        <Text size="sm" mb="md">
          Nothing is counted yet. Each server process stores what it has counted every five minutes.
        </Text>
      ) : (
        <SimpleGrid cols={{ base: 1, md: 2 }} mb="md">
          <ChartFigure label="Requests" drawing="bar" data={requests} />
          {refusals === undefined ? (
            <Text size="sm">No request was refused because of a token, a right or a limit.</Text>
          ) : (
            <ChartFigure label="Refused requests, by reason" drawing="bar" data={refusals} />
          )}
        </SimpleGrid>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }} mb="lg">
        {growth === undefined ? (
          <Text size="sm">No sizes are stored yet. They are stored every hour.</Text>
        ) : (
          <ChartFigure label="Size of the largest tables, 30 days" drawing="line" data={growth} />
        )}
        <Slowest slowest={activity.slowest} />
      </SimpleGrid>
    </section>
  );
}

function Slowest({ slowest }: Pick<Activity, "slowest">) {
  if (slowest.length === 0) {
    return (
      <Text size="sm">
        No slow query was recorded. The setting “slow_query_seconds” says which queries are slow.
      </Text>
    );
  }
  return (
    <Table.ScrollContainer
      minWidth={300}
      scrollAreaProps={{
        viewportProps: { tabIndex: 0, role: "region", "aria-label": "Slowest queries, scrolled" },
      }}
    >
      <Table fz="xs" verticalSpacing={4} captionSide="top">
        <Table.Caption ta="left" mt={0} c="var(--mantine-color-text)" fw={600}>
          Slowest queries
        </Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th ta="right">Seconds</Table.Th>
            <Table.Th>Table</Table.Th>
            <Table.Th>App</Table.Th>
            <Table.Th>When</Table.Th>
            <Table.Th>Statement</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {slowest.map((each) => (
            <Table.Tr key={`${each.time} ${each.seconds} ${each.statement}`}>
              <Table.Td ta="right">{each.seconds.toFixed(2)}</Table.Td>
              <Table.Td>{each.table ?? ""}</Table.Td>
              <Table.Td>{each.app ?? ""}</Table.Td>
              <Table.Td style={{ whiteSpace: "nowrap" }}>{localTime(each.time)}</Table.Td>
              <Table.Td maw={260}>
                <Text size="xs" truncate title={each.statement} ff="monospace">
                  {each.statement}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
