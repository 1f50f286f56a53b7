import { Alert, Button, Group, Loader, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Table } from "../../api/types";
import { localTime } from "../grid/cellText";
import { ErrorNote } from "../people/ErrorNote";
import { writersQuery } from "../tables/queries";
import { ChangeView, kindText } from "./ChangeView";
import { HistoryOff } from "./HistoryOff";
import { rowChangesQuery } from "./queries";
import { UndoDialog } from "./UndoDialog";

interface RowHistoryProps {
  workspace: string;
  table: Table;
  id: string;
  /** Whether the row was deleted, or was never there. */
  isGone: boolean;
  mayUndo: boolean;
}

const SHOWN = 20;

/** The changes of a row, the newest first. */
export function RowHistory({ workspace, table, id, isGone, mayUndo }: RowHistoryProps) {
  const isOn = table.history != null;
  const { data, error, isPending } = useQuery({
    ...rowChangesQuery(workspace, table.name, id),
    enabled: isOn,
  });
  const writers = useQuery(writersQuery(workspace));
  const [shown, setShown] = useState(SHOWN);
  const [asked, setAsked] = useState<{ operation: string; title: string } | null>(null);
  const nameOf = (by: string | null) => (by === null ? "the server" : (writers.data?.get(by)?.name ?? by));
  const newest = data?.isCut === false ? data.changes[0] : undefined;
  return (
    <section aria-label="History">
      <Title order={2} size="h5" mt="md" mb="xs">
        History
      </Title>
      {!isOn && <HistoryOff workspace={workspace} table={table.name} />}
      <ErrorNote error={error} />
      {isOn && isPending && <Loader aria-label="Loading the history" />}
      {isGone && newest?.kind === "delete" && (
        <Alert mb="sm" color="gray" title="This row was deleted">
          <Group>
            <Text size="sm">
              By {nameOf(newest.by)}, {localTime(newest.on)}.
            </Text>
            {mayUndo && (
              <Button
                size="compact-sm"
                onClick={() => setAsked({ operation: newest.operation, title: "Restore what was deleted" })}
              >
                Restore
              </Button>
            )}
          </Group>
        </Alert>
      )}
      {data?.changes.length === 0 && <Text size="sm">No change of this row is recorded.</Text>}
      {data?.isCut === true && (
        <Text size="sm">This row has very many changes. The oldest {data.changes.length} are listed.</Text>
      )}
      {data?.changes.slice(0, shown).map((change) => (
        <div key={change.id}>
          <Group gap="xs" mt="sm">
            <Text size="sm">
              <b>{kindText(change)}</b> by {nameOf(change.by)},{" "}
              <time dateTime={change.on} title={change.on}>
                {localTime(change.on)}
              </time>
            </Text>
            {mayUndo && (
              <Button
                size="compact-xs"
                variant="default"
                onClick={() => setAsked({ operation: change.operation, title: "Undo this operation" })}
              >
                Undo this
              </Button>
            )}
          </Group>
          <ChangeView change={change} label={`${kindText(change)}, ${localTime(change.on)}`} />
        </div>
      ))}
      {(data?.changes.length ?? 0) > shown && (
        <Button size="xs" variant="default" mt="sm" onClick={() => setShown(shown + SHOWN)}>
          Show older changes
        </Button>
      )}
      {asked !== null && (
        <UndoDialog
          workspace={workspace}
          undoing={{ operation: asked.operation }}
          title={asked.title}
          onClose={() => setAsked(null)}
        />
      )}
    </section>
  );
}
