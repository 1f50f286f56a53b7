import { Button, Container, Group, Loader, NativeSelect, Text, Title } from "@mantine/core";
import { useDebouncedCallback, useDocumentTitle } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { ApiError } from "../../api/errors";
import type { Writer } from "../../api/types";
import { OlderButton } from "../filters/OlderButton";
import { chosen, withField } from "../filters/parameters";
import { TimeFields } from "../filters/TimeFields";
import { useParameters } from "../filters/useParameters";
import { ErrorNote } from "../people/ErrorNote";
import { tablesQuery, usableQuery, writersQuery } from "../tables/queries";
import { HistoryOff } from "./HistoryOff";
import { OperationItem } from "./OperationItem";
import { operationsQuery } from "./queries";
import { type Field, FIELDS, undoingOf, type Undoing } from "./selection";
import { UndoDialog } from "./UndoDialog";

/** The operations on tables of a workspace, the newest first, and their undo. */
export function HistoryPage() {
  const { workspace = "main" } = useParams();
  useDocumentTitle(`History of ${workspace} – Rowkeep`);
  const [parameters, edit] = useParameters();
  const selection = chosen(FIELDS, parameters);
  const list = useInfiniteQuery(operationsQuery(workspace, selection));
  const usable = useQuery(usableQuery(workspace));
  const writers = useQuery(writersQuery(workspace));
  const [asked, setAsked] = useState<{ undoing: Undoing; title: string } | null>(null);
  const operations = list.data?.pages.flatMap((page) => page.operations) ?? [];
  const isFiltered = FIELDS.some((name) => parameters.has(name));
  const mayUndo = (table: string) =>
    usable.data?.get(table)?.rights.some((right) => right !== "read") === true;
  const isOff = list.error instanceof ApiError && list.error.code === "history_off";
  return (
    <Container size="md" p="md" w="100%" ml={0}>
      <Title order={1} size="h2" mb="md">
        History
      </Title>
      <Filters
        key={isFiltered ? "some" : "none"}
        workspace={workspace}
        parameters={parameters}
        writer={operations[0]?.by ?? undefined}
        onSet={(name, value) => edit((newest) => withField(newest, name, value))}
      />
      <Group mb="md" gap="xs">
        {isFiltered && (
          <Button size="xs" variant="default" onClick={() => edit(() => new URLSearchParams())}>
            Show all operations
          </Button>
        )}
        {isFiltered && operations.some(({ tables }) => tables.some(({ table }) => mayUndo(table))) && (
          <Button
            size="xs"
            variant="default"
            onClick={() =>
              setAsked({ undoing: undoingOf(selection), title: "Undo all operations of the filter" })
            }
          >
            Undo all of these
          </Button>
        )}
        <Button size="xs" variant="default" loading={list.isRefetching} onClick={() => void list.refetch()}>
          Read again
        </Button>
      </Group>
      {isOff ? (
        <HistoryOff workspace={workspace} table={selection.table ?? ""} />
      ) : (
        <ErrorNote error={list.error} />
      )}
      {list.isPending && <Loader aria-label="Loading the history" />}
      {list.isSuccess && operations.length === 0 && !list.hasNextPage && (
        <Text>No operation {isFiltered ? "matches" : "is recorded yet"}.</Text>
      )}
      {operations.map((operation, at) => (
        <OperationItem
          key={`${operation.id} ${at}`}
          workspace={workspace}
          operation={operation}
          writer={writerText(operation.by, writers.data)}
          onUndo={
            operation.tables.some(({ table }) => mayUndo(table))
              ? () => setAsked({ undoing: { operation: operation.id }, title: "Undo this operation" })
              : undefined
          }
        />
      ))}
      <OlderButton noun="operations" list={list} />
      {asked !== null && <UndoDialog workspace={workspace} {...asked} onClose={() => setAsked(null)} />}
    </Container>
  );
}

function writerText(by: string | null, writers: ReadonlyMap<string, Writer> | undefined): string {
  if (by === null) return "the server";
  const writer = writers?.get(by);
  return writer === undefined ? by : `${writer.name} (${writer.kind})`;
}

const TYPING_MS = 400;

interface FiltersProps {
  workspace: string;
  parameters: URLSearchParams;
  /** Who wrote the first of the operations that are shown. */
  writer: string | undefined;
  onSet: (name: Field, value: string) => void;
}

function Filters({ workspace, parameters, writer, onSet }: FiltersProps) {
  const tables = useQuery(tablesQuery(workspace, "all"));
  const writers = useQuery(writersQuery(workspace));
  const setLater = useDebouncedCallback(onSet, TYPING_MS);
  const table = parameters.get("table") ?? "";
  const chosen = parameters.get("writer") ?? "";
  const names = tables.data?.map(({ name }) => name) ?? [];
  const known = [...(writers.data?.values() ?? [])];
  // links from apps and users have their own ids, for which the list has no names
  const chosenName = writer === undefined ? undefined : writers.data?.get(writer)?.name;
  return (
    <Group mb="xs" gap="xs" align="flex-end">
      <NativeSelect
        size="xs"
        label="Table"
        value={table}
        onChange={(event) => onSet("table", event.currentTarget.value)}
      >
        <option value="">All</option>
        {table !== "" && !names.includes(table) && <option>{table}</option>}
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </NativeSelect>
      <NativeSelect
        size="xs"
        label="Writer"
        value={chosen}
        onChange={(event) => onSet("writer", event.currentTarget.value)}
      >
        <option value="">All</option>
        {chosen !== "" && writers.data?.has(chosen) !== true && (
          <option value={chosen}>{chosenName ?? chosen}</option>
        )}
        {(["app", "user", "administrator"] as const).map((kind) => (
          <optgroup key={kind} label={`${kind}s`}>
            {known
              .filter((each) => each.kind === kind)
              .map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
          </optgroup>
        ))}
      </NativeSelect>
      <TimeFields parameters={parameters} onSet={setLater} />
    </Group>
  );
}
