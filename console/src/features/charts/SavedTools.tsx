import { Badge, Button, Group, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ConfirmDialog } from "../apps/ConfirmDialog";
import type { Source } from "../grid/rowQueries";
import { ErrorNote } from "../people/ErrorNote";
import { ChartDialog } from "./ChartDialog";
import { titleOf } from "./plan";
import { bodyOf, isSame, type SavedChart, type Shown, shownBy } from "./saved";
import { changeChart, chartsChanged, deleteChart, saveChart } from "./savedQueries";
import type { SavedCharts } from "./useSavedCharts";

interface SavedToolsProps {
  source: Source;
  shown: Shown;
  saved: SavedCharts;
}

/** Saves the chart that is shown, and changes, shares or deletes the saved one that is open. */
export function SavedTools({ source, shown, saved }: SavedToolsProps) {
  const [isSaving, setIsSaving] = useState(false);
  const queries = useQueryClient();
  const { open } = saved;
  const isChanged = open !== undefined && !isSame(shown, shownBy(open));
  const button = { size: "compact-xs", variant: "default" } as const;
  const done = async (chart: SavedChart) => {
    await chartsChanged(queries, source.workspace);
    saved.show(chart);
  };
  const store = useMutation({
    mutationFn: (chart: SavedChart) => changeChart(source.workspace, chart.id, bodyOf(shown)).then(done),
  });
  return (
    <>
      {open !== undefined && (
        <ChartName chart={open}>
          {isChanged && (
            <Text size="xs" c="dimmed">
              changed
            </Text>
          )}
        </ChartName>
      )}
      {open !== undefined && isChanged && open.canChange && (
        <Button {...button} loading={store.isPending} onClick={() => store.mutate(open)}>
          Save changes
        </Button>
      )}
      {(open === undefined || isChanged) && (
        <Button {...button} onClick={() => setIsSaving(true)}>
          {open === undefined ? "Save" : "Save as new"}
        </Button>
      )}
      {open?.canChange === true && <ChartActions source={source} chart={open} saved={saved} />}
      <ErrorNote error={store.error} />
      {isSaving && (
        <ChartDialog
          title="Save the chart"
          of={source.name}
          initial={{ name: open?.name ?? titleOf(shown.plan).slice(0, 100), shared: false }}
          onSave={async (chosen) => {
            await done(await saveChart(source, { ...bodyOf(shown), ...chosen }));
            setIsSaving(false);
          }}
          onClose={() => setIsSaving(false)}
        />
      )}
    </>
  );
}

interface ChartNameProps {
  chart: SavedChart;
  children?: React.ReactNode;
}

export function ChartName({ chart, children }: ChartNameProps) {
  return (
    <Group gap={6} align="baseline">
      <Text fw={600} size="sm" style={{ overflowWrap: "anywhere" }}>
        {chart.name}
      </Text>
      <Badge size="xs" variant="default">
        {chart.shared ? "Shared" : "Private"}
      </Badge>
      {children}
    </Group>
  );
}

interface ChartActionsProps {
  source: Source;
  chart: SavedChart;
  saved: SavedCharts;
}

/** Renames, shares and deletes a saved chart. */
export function ChartActions({ source, chart, saved }: ChartActionsProps) {
  const [asked, setAsked] = useState<"change" | "delete" | null>(null);
  const queries = useQueryClient();
  const close = () => setAsked(null);
  const changed = () => chartsChanged(queries, source.workspace);
  const remove = useMutation({
    mutationFn: () => deleteChart(source.workspace, chart.id),
    onSuccess: async () => {
      saved.close();
      await changed();
    },
  });
  const button = { size: "compact-xs", variant: "default" } as const;
  return (
    <>
      <Button {...button} onClick={() => setAsked("change")}>
        Rename or share
      </Button>
      <Button {...button} onClick={() => setAsked("delete")}>
        Delete
      </Button>
      {asked === "change" && (
        <ChartDialog
          title="Rename or share the chart"
          of={source.name}
          initial={{ name: chart.name, shared: chart.shared }}
          onSave={async ({ name, shared }) => {
            await changeChart(source.workspace, chart.id, {
              ...(name === chart.name ? {} : { name }),
              ...(shared === chart.shared ? {} : { shared }),
            });
            await changed();
            close();
          }}
          onClose={close}
        />
      )}
      {asked === "delete" && (
        <ConfirmDialog
          title={`Delete the chart ${chart.name}?`}
          action="Delete the chart"
          error={remove.error}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate()}
          onCancel={close}
        >
          <Text size="sm">
            {chart.shared ? "It is deleted for everybody." : "Only you see it."} The rows stay.
          </Text>
        </ConfirmDialog>
      )}
    </>
  );
}
