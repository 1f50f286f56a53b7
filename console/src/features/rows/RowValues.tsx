import { ActionIcon, Anchor, Group, Table } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconPencil } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { Link } from "react-router";
import { readAgain } from "../../api/queries";
import type { Row, UsableTable } from "../../api/types";
import { CellEditor } from "../editing/CellEditor";
import type { TablePlace } from "../editing/changes";
import { UndoButtons } from "../editing/UndoButtons";
import { type Shown, useHistory } from "../editing/useHistory";
import { useSaving } from "../editing/useSaving";
import { CellView } from "../grid/CellView";
import { type Column, isWriterColumn } from "../grid/columns";
import { exactText } from "../grid/cellText";
import { writersQuery } from "../tables/queries";
import { ReferencedRows } from "./ReferencedRows";
import { filteredAddress, targetsOf } from "./references";

interface RowValuesProps {
  place: TablePlace;
  id: string;
  row: Row;
  columns: readonly Column[];
  usable: ReadonlyMap<string, UsableTable>;
  canWrite: boolean;
}

/** The values of a row, which are edited as in the grid; then the rows that they refer to. */
export function RowValues({ place, id, row, columns, usable, canWrite }: RowValuesProps) {
  const queries = useQueryClient();
  const shown = useMemo((): Shown => {
    const key = ["row", place.workspace, place.table, id];
    return {
      update: (rows) => {
        const now = rows.find(({ _id }) => _id === id);
        if (now !== undefined) queries.setQueryData(key, now);
      },
      refresh: () => void readAgain(queries, key),
    };
  }, [queries, place.workspace, place.table, id]);
  const history = useHistory(place, columns, shown);
  // by its name: the columns are read again, while the editor is open too
  const [edited, setEdited] = useState<string>();
  const table = useRef<HTMLTableElement>(null);
  const focus = (name: string | undefined) =>
    table.current?.querySelector<HTMLElement>(`[data-edits="${name ?? ""}"]`)?.focus();
  const saving = useSaving(place, columns, history, shown, () => focus(edited));
  useHotkeys([
    ["mod+Z", history.undo],
    ["mod+Y", history.redo],
    ["mod+shift+Z", history.redo],
  ]);
  const own = columns.filter(({ isSystem }) => !isSystem);
  const neighbour = (column: Column, by: number) => own[own.indexOf(column) + by] ?? column;
  return (
    <>
      <Group gap={6} role="group" aria-label="Edits">
        <UndoButtons
          undo={history.next}
          redo={history.nextAgain}
          onUndo={history.undo}
          onRedo={history.redo}
        />
      </Group>
      <Table ref={table} verticalSpacing="xs" layout="fixed">
        <Table.Tbody>
          {columns.map((column) => (
            <Table.Tr key={column.name}>
              <Table.Th scope="row" w="35%" fw={column.isSystem ? 400 : 600} style={BREAKS}>
                {column.name}
              </Table.Th>
              <Table.Td
                style={BREAKS}
                onDoubleClick={() => {
                  if (canWrite && !column.isSystem) setEdited(column.name);
                }}
              >
                <Group gap="xs" wrap="nowrap" justify="space-between" align="flex-start">
                  <div style={{ minWidth: 0 }} {...scrolling(row, column)}>
                    <Value workspace={place.workspace} row={row} column={column} usable={usable} />
                  </div>
                  {canWrite && !column.isSystem && (
                    <ActionIcon
                      variant="subtle"
                      size="sm"
                      data-edits={column.name}
                      aria-label={`Edit ${column.name}`}
                      title={`Edit ${column.name}`}
                      onClick={() => setEdited(column.name)}
                    >
                      <IconPencil size={14} aria-hidden />
                    </ActionIcon>
                  )}
                </Group>
                {edited === column.name && (
                  <CellEditor
                    workspace={place.workspace}
                    row={row}
                    column={column}
                    typed={undefined}
                    onSave={(value, base) => saving.save(base, column, value)}
                    onClose={(next) => {
                      setEdited(undefined);
                      if (next === "elsewhere") return;
                      focus(
                        next === "stay" ? column.name : neighbour(column, next === "right" ? 1 : -1).name,
                      );
                    }}
                  />
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <ReferencedRows workspace={place.workspace} targets={targetsOf(columns, row, usable)} usable={usable} />
      {saving.dialogs}
    </>
  );
}

const BREAKS = { overflowWrap: "anywhere", whiteSpace: "pre-wrap" } as const;

const LONG = 2000;

/** A very long value scrolls in its own place, so that the others stay in reach. */
function scrolling(row: Row, column: Column): object {
  if (exactText(row[column.name]).length < LONG) return {};
  return {
    style: { minWidth: 0, maxHeight: "50vh", overflow: "auto" },
    role: "region",
    "aria-label": column.name,
    tabIndex: 0,
  };
}

interface ValueProps {
  workspace: string;
  row: Row;
  column: Column;
  usable: ReadonlyMap<string, UsableTable>;
}

function Value({ workspace, row, column, usable }: ValueProps) {
  const writers = useQuery({ ...writersQuery(workspace), enabled: isWriterColumn(column) });
  const value = row[column.name];
  const [target] = targetsOf([column], row, usable);
  if (column.type === "json" && value !== null) return <code>{JSON.stringify(value, null, 2)}</code>;
  if (target !== undefined) {
    return (
      <Anchor
        size="sm"
        component={Link}
        to={filteredAddress(workspace, target.table, [target.column], target.value)}
      >
        {exactText(value)}
      </Anchor>
    );
  }
  return <CellView value={value} column={column} writers={writers.data} isWhole />;
}
