import { Anchor, Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { addressOf } from "../charts/saved";
import { allChartsQuery } from "../charts/savedQueries";
import { ErrorNote } from "../people/ErrorNote";

const FIRST_SHOWN = 12;

/** The saved charts that the user sees, if there are some. */
export function OwnCharts({ workspace }: { workspace: string }) {
  const charts = useQuery(allChartsQuery(workspace));
  const [isWhole, setIsWhole] = useState(false);
  const found = charts.data ?? [];
  if (found.length === 0 && charts.error === null) return null;
  return (
    <section aria-labelledby="charts">
      <Title order={2} size="h4" mt="lg" mb="xs" id="charts">
        Charts
      </Title>
      <ErrorNote error={charts.error} />
      <Group component="ul" gap="xs" p={0} m={0} style={{ listStyle: "none" }}>
        {found.slice(0, isWhole ? undefined : FIRST_SHOWN).map((chart) => (
          <li key={chart.id}>
            <Text component={Link} to={addressOf(workspace, chart)} c="blue" fw={500} size="sm">
              {chart.name}
            </Text>{" "}
            <Text span size="xs" c="dimmed">
              {chart.table ?? chart.view}
            </Text>
          </li>
        ))}
      </Group>
      {found.length > FIRST_SHOWN && !isWhole && (
        <Anchor component="button" size="sm" onClick={() => setIsWhole(true)}>
          All {found.length.toLocaleString()}
        </Anchor>
      )}
    </section>
  );
}
