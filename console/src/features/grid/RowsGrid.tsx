import { Alert, Button, Group, Loader, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router";
import type { Row } from "../../api/types";
import { ChartButton } from "../charts/ChartButton";
import { ChartPanel } from "../charts/ChartPanel";
import { BrokenChart } from "../charts/BrokenChart";
import { SavedTools } from "../charts/SavedTools";
import { useChartPlan } from "../charts/useChartPlan";
import { useSavedCharts } from "../charts/useSavedCharts";
import { useEditing } from "../editing/useEditing";
import { ExportButton } from "../files/ExportButton";
import { newCondition } from "../filters/draft";
import { useSession } from "../session/session";
import type { Kind } from "../tables/listed";
import { writersQuery } from "../tables/queries";
import { CellView } from "./CellView";
import { ColumnMenu } from "./ColumnMenu";
import { type Column } from "./columns";
import { ColumnsButton } from "./ColumnsButton";
import { FilterButton, openedDraft, useDraft } from "./FilterButton";
import { Grid } from "./Grid";
import { visible } from "./layout";
import type { FocusRequest } from "./parts";
import { type Selected, selectedCell } from "./range";
import { SearchBox } from "./SearchBox";
import { selectionOf } from "./selectionUrl";
import { SortButton } from "./SortButton";
import { useGridState } from "./useGridState";
import { useLayout } from "./useLayout";
import { useRowStore } from "./useRowStore";

/** Grey rows until the first ones are there. */
const WAITING_ROWS = 12;

interface RowsGridProps {
  workspace: string;
  kind: Kind;
  name: string;
  columns: readonly Column[];
  rights: readonly ("read" | "write" | "delete")[];
}

/** The toolbar and the grid. The address bar has the filter, the search and the sort. */
export function RowsGrid({ workspace, kind, name, columns, rights }: RowsGridProps) {
  const navigate = useNavigate();
  const { state, change, edit, reset } = useGridState();
  const selection = useMemo(() => selectionOf(state, columns), [state, columns]);
  const store = useRowStore({ workspace, kind, name }, selection);
  const { session } = useSession();
  const [layout, setLayout] = useLayout(`rowkeep.columns.${session?.id ?? ""}.${workspace}.${kind}.${name}`);
  const writers = useQuery(writersQuery(workspace));
  const [draft, setDraft] = useDraft();
  const [plan, setPlan] = useChartPlan(columns, edit);
  const saved = useSavedCharts({ workspace, kind, name }, edit);
  const shown = useMemo(() => visible(columns, layout), [columns, layout]);
  const [selected, setSelected] = useState<Selected>(() => selectedCell({ row: 0, column: 0 }));
  const place = useMemo(() => ({ workspace, table: name }), [workspace, name]);
  const [focus, setFocus] = useState<FocusRequest | null>(null);
  const focusRows = () => setFocus({ cell: null });
  const canWrite = kind === "tables" && rights.includes("write");
  const editing = useEditing({
    place,
    store,
    columns: shown,
    allColumns: columns,
    selected,
    query: selection.query,
    canWrite,
    canDelete: kind === "tables" && rights.includes("delete"),
    onDone: (cell) => setFocus({ cell }),
  });

  const address = useCallback(
    (row: Row) => `/w/${workspace}/tables/${name}/rows/${String(row._id)}`,
    [workspace, name],
  );
  const rowOf = useCallback((index: number) => store.row(index), [store]);
  const onVisible = useCallback((first: number, last: number) => store.want(first, last), [store]);
  const renderCell = useCallback(
    (row: Row, column: Column) => (
      <CellView value={row[column.name]} column={column} writers={writers.data} />
    ),
    [writers.data],
  );

  // they need not render again for each cell that is selected
  const tools = useMemo(
    () => (
      <>
        <SearchBox search={state.search} onSearch={(search) => change({ search })} />
        <FilterButton
          columns={columns}
          filter={state.filter}
          onFilter={(filter) => change({ filter })}
          draft={draft}
          onDraft={setDraft}
        />
        <SortButton columns={columns} sort={state.sort} onSort={(sort) => change({ sort })} />
        <ColumnsButton columns={columns} layout={layout} onLayout={setLayout} />
        <ExportButton source={{ workspace, kind, name }} selection={selection} columns={shown} />
        <ChartButton columns={columns} onPlan={setPlan} saved={saved} />
      </>
    ),
    [
      workspace,
      kind,
      name,
      columns,
      shown,
      state,
      change,
      selection,
      draft,
      setDraft,
      layout,
      setLayout,
      setPlan,
      saved,
    ],
  );

  const isKnown = store.isStarted || store.isCounted || store.error !== undefined;
  return (
    <>
      <Group px="md" py={6} gap={6} role="group" aria-label="Rows">
        {tools}
        {editing.tools}
        <Text size="sm" c="dimmed" ml="auto" role="status">
          {store.isCounted ? `${store.total.toLocaleString()} ${store.total === 1 ? "row" : "rows"}` : ""}
        </Text>
        {store.isLoading && <Loader size={16} aria-label="Loading rows" />}
      </Group>
      {plan !== undefined && (
        <ChartPanel
          source={{ workspace, kind, name }}
          query={selection.query}
          columns={columns}
          plan={plan}
          onPlan={setPlan}
          onClosed={focusRows}
        >
          <SavedTools source={{ workspace, kind, name }} shown={{ plan, state }} saved={saved} />
        </ChartPanel>
      )}
      {plan === undefined && typeof saved.open?.problem === "string" && (
        <BrokenChart source={{ workspace, kind, name }} chart={saved.open} columns={columns} saved={saved} />
      )}
      {state.isDamaged === true && (
        <Alert color="yellow" role="alert" mx="md" mb={6}>
          <Group gap="sm">
            The filter in the address of this page is damaged, so it has no effect.
            <Button size="compact-xs" onClick={() => change({})}>
              Remove it
            </Button>
          </Group>
        </Alert>
      )}
      {store.error !== undefined && (
        <Alert color="red" role="alert" mx="md" mb={6}>
          <Group gap="sm">
            {store.error}
            <Button size="compact-xs" onClick={() => store.retry()}>
              Try again
            </Button>
          </Group>
        </Alert>
      )}
      {store.isStarted && store.total === 0 ? (
        <Empty
          isFiltered={state.filter !== undefined || state.search !== ""}
          canWrite={canWrite}
          focus={focus}
          onReset={() => {
            reset();
            focusRows();
          }}
        />
      ) : (
        <Grid
          label={`Rows of ${name}`}
          columns={shown}
          layout={layout}
          sort={state.sort}
          total={isKnown ? store.total : WAITING_ROWS}
          version={store.getVersion()}
          row={rowOf}
          onVisible={onVisible}
          onLayout={setLayout}
          onSort={(click) => change(({ sort }) => ({ sort: click(sort) }))}
          {...(kind === "tables" ? { rowAddress: address } : {})}
          onOpenRow={(row) => {
            if (kind === "tables") void navigate(address(row));
          }}
          renderCell={renderCell}
          onEdit={editing.edit}
          onDelete={editing.remove}
          onUndo={editing.undo}
          onRedo={editing.redo}
          selected={selected}
          onSelect={setSelected}
          editing={editing.cell}
          renderEditor={editing.renderEditor}
          focus={focus}
          renderMenu={(column) => (
            <ColumnMenu
              column={column}
              columns={columns}
              shown={shown}
              layout={layout}
              sort={state.sort}
              onLayout={setLayout}
              onSort={(sort) => change({ sort })}
              onFilter={(filtered) => {
                const opened = openedDraft(state.filter, undefined);
                setDraft({ ...opened, items: [...opened.items, newCondition(filtered)] });
              }}
            />
          )}
        />
      )}
      {editing.dialogs}
    </>
  );
}

interface EmptyProps {
  isFiltered: boolean;
  canWrite: boolean;
  focus: FocusRequest | null;
  onReset: () => void;
}

/** In the place of the grid; it takes the focus if the grid that had it is gone. */
function Empty({ isFiltered, canWrite, focus, onReset }: EmptyProps) {
  const note = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const isElsewhere = document.getElementById("main")?.contains(document.activeElement);
    if (focus !== null && isElsewhere !== true) note.current?.focus();
  }, [focus]);
  const hint = canWrite ? " Add one with “Add row”, or paste cells of a spreadsheet by the menu “Edit”." : "";
  return (
    <Group p="md" ref={note} tabIndex={-1}>
      <Text>
        {isFiltered ? "No row matches the filter and the search." : `This table has no rows yet.${hint}`}
      </Text>
      {isFiltered && (
        <Button size="xs" variant="default" onClick={onReset}>
          Show all rows
        </Button>
      )}
    </Group>
  );
}
