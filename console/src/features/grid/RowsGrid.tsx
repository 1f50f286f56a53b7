import { Alert, Button, Group, Loader, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import type { Row } from "../../api/types";
import { AddRowButton } from "../editing/AddRowButton";
import { useEditing } from "../editing/useEditing";
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
import { SearchBox } from "./SearchBox";
import { type GridState, readState, selectionOf, writeState } from "./selectionUrl";
import { SortButton } from "./SortButton";
import { useLayout } from "./useLayout";
import { useRowStore } from "./useRowStore";

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
  const [parameters, setParameters] = useSearchParams();
  const state = useMemo(() => readState(parameters), [parameters]);
  const store = useRowStore(
    { workspace, kind, name },
    useMemo(() => selectionOf(state, columns), [state, columns]),
  );
  const { session } = useSession();
  const [layout, setLayout] = useLayout(`rowkeep.columns.${session?.id ?? ""}.${workspace}.${kind}.${name}`);
  const writers = useQuery(writersQuery(workspace));
  const [draft, setDraft] = useDraft();
  const shown = visible(columns, layout);
  const [focus, setFocus] = useState<FocusRequest | null>(null);
  const place = { workspace, table: name };
  const canWrite = kind === "tables" && rights.includes("write");
  const editing = useEditing({
    place,
    store,
    columns: shown,
    canWrite,
    canDelete: kind === "tables" && rights.includes("delete"),
    onDone: (cell) => setFocus({ cell }),
  });

  const change = (changed: Partial<GridState>) =>
    setParameters((current) => writeState(current, { ...state, ...changed }), { replace: true });
  const address = (row: Row) => `/w/${workspace}/tables/${name}/rows/${String(row._id)}`;
  const rowOf = useCallback((index: number) => store.row(index), [store]);
  const onVisible = useCallback((first: number, last: number) => store.want(first, last), [store]);
  const renderCell = useCallback(
    (row: Row, column: Column) => (
      <CellView value={row[column.name]} column={column} writers={writers.data} />
    ),
    [writers.data],
  );

  return (
    <>
      <Group px="md" py={6} gap={6} role="group" aria-label="Rows">
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
        {canWrite && <AddRowButton place={place} columns={columns} onAdded={() => store.refresh()} />}
        <Text size="sm" c="dimmed" ml="auto" role="status">
          {store.isCounted ? `${store.total.toLocaleString()} ${store.total === 1 ? "row" : "rows"}` : ""}
        </Text>
        {store.isLoading && <Loader size={16} aria-label="Loading rows" />}
      </Group>
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
          onReset={() => setParameters({})}
        />
      ) : (
        <Grid
          label={`Rows of ${name}`}
          columns={shown}
          layout={layout}
          sort={state.sort}
          total={store.total}
          version={store.getVersion()}
          row={rowOf}
          onVisible={onVisible}
          onLayout={setLayout}
          onSort={(sort) => change({ sort })}
          {...(kind === "tables" ? { rowAddress: address } : {})}
          onOpenRow={(row) => {
            if (kind === "tables") void navigate(address(row));
          }}
          renderCell={renderCell}
          onEdit={editing.edit}
          onClear={editing.clear}
          onDelete={editing.askToDelete}
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

function Empty({ isFiltered, onReset }: { isFiltered: boolean; onReset: () => void }) {
  return (
    <Group p="md">
      <Text>{isFiltered ? "No row matches the filter and the search." : "This table has no rows yet."}</Text>
      {isFiltered && (
        <Button size="xs" variant="default" onClick={onReset}>
          Show all rows
        </Button>
      )}
    </Group>
  );
}
