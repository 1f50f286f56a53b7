import {
  Alert,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { answered, api } from "../../api/client";
import type { components } from "../../api/schema";
import type { Table } from "../../api/types";
import { ErrorNote } from "../people/ErrorNote";
import { tableQuery, usableQuery } from "../tables/queries";
import classes from "./ImportForm.module.css";
import { ColumnsTable } from "./ColumnsTable";
import {
  columnsOf,
  definitionOf,
  forNewTable,
  forTable,
  type Mapped,
  type OnMapped,
  problemOf,
  proposedOf,
} from "./mapping";
import {
  type FileReading,
  type ImportBody,
  type Inspected,
  startImport,
  type UploadedFile,
} from "./requests";

interface ImportFormProps {
  workspace: string;
  file: UploadedFile;
  reading: FileReading;
  inspected: Inspected;
  /** The table that was open when the file was dropped. */
  table: string | null;
  onStarted: () => void;
}

type Target = "new" | "existing";

/** Where the rows go: into a new table, or into an existing one. */
export function ImportForm({ table, ...props }: ImportFormProps) {
  const { workspace } = props;
  const usable = useQuery(usableQuery(workspace));
  const writable = [...(usable.data?.values() ?? [])].flatMap((each) =>
    each.kind === "table" && each.rights.includes("write") ? [each.name] : [],
  );
  const [target, setTarget] = useState<Target>(table === null ? "new" : "existing");
  const [chosen, setChosen] = useState(table ?? "");
  const existing = chosen === "" ? (writable[0] ?? "") : chosen;
  return (
    <Stack gap="sm">
      <Group align="flex-end">
        <SegmentedControl
          size="xs"
          aria-label="Where the rows go"
          value={target}
          data={[
            { value: "new", label: "A new table" },
            { value: "existing", label: "An existing table" },
          ]}
          onChange={(value) => setTarget(value === "new" ? "new" : "existing")}
        />
        {target === "existing" && writable.length > 0 && (
          <NativeSelect
            size="xs"
            label="Table"
            data={writable}
            value={existing}
            onChange={({ currentTarget: { value } }) => setChosen(value)}
          />
        )}
      </Group>
      {target === "new" ? (
        <NewTable
          {...props}
          onCreated={(name) => {
            setChosen(name);
            setTarget("existing");
          }}
        />
      ) : existing === "" ? (
        <Text size="sm">There is no table that you may write to.</Text>
      ) : (
        <ExistingTable key={existing} {...props} name={existing} />
      )}
    </Stack>
  );
}

type FormProps = Omit<ImportFormProps, "table">;

function useStart({ workspace, file, onStarted }: FormProps) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: ImportBody) => startImport(workspace, file.id, body),
    onSuccess: (started) => {
      queries.setQueryData(["files", workspace, file.id], started);
      onStarted();
    },
  });
}

/** How the file is read, with the format of dates that was found if none was chosen. */
function completed(reading: FileReading, { dateFormats }: Inspected): FileReading {
  return (reading.dateFormats ?? []).length > 0 ? reading : { ...reading, dateFormats };
}

/** Whether the file has other sheets, to be imported afterwards. */
function hasMore({ sheets }: Inspected): boolean {
  return sheets.length > 1;
}

function samplesOf(inspected: Inspected): ReadonlyMap<string, string> {
  return new Map(
    inspected.columns.map(({ label }) => [
      label,
      inspected.rows
        .slice(0, 3)
        .map((row) => row[label] ?? "null")
        .join(" · "),
    ]),
  );
}

type TableBody = components["schemas"]["TableBody"];

function NewTable(props: FormProps & { onCreated: (name: string) => void }) {
  const { workspace, inspected, reading } = props;
  const queries = useQueryClient();
  const [name, setName] = useState(proposedOf(inspected).name);
  const proposed = useMemo(() => forNewTable(inspected), [inspected]);
  const [mapped, onMapped] = useMapped(proposed);
  const start = useStart(props);
  const [isUnique, setUnique] = useState(true);
  const definition = definitionOf(name, inspected, mapped);
  const key = definition.indexes[0]?.columns[0]?.name;
  const body = (isUnique ? definition : { ...definition, indexes: [] }) as unknown as TableBody;
  const create = useMutation({
    mutationFn: async () => {
      return answered(
        api.POST("/api/v1/workspaces/{workspace}/tables", { params: { path: { workspace } }, body }),
        { mayBeForbidden: true },
      );
    },
    onSuccess: async (table) => {
      for (const key of ["tables", "usable"]) await queries.invalidateQueries({ queryKey: [key] });
      try {
        await start.mutateAsync({
          table: table.name,
          reading: completed(reading, inspected),
          columns: columnsOf(mapped),
          keepFile: hasMore(inspected),
        });
      } catch {
        // the table is there now: its import shows the error
        props.onCreated(table.name);
      }
    },
  });
  const problem = problemOf(mapped);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (problem === undefined) create.mutate();
      }}
    >
      <Stack gap="sm">
        <TextInput
          size="xs"
          label="Name of the table"
          maw={320}
          required
          value={name}
          onChange={({ currentTarget: { value } }) => setName(value)}
        />
        {!inspected.isWhole && (
          <Text size="sm" c="dimmed">
            The types are those of the first {inspected.rowsSeen.toLocaleString()} rows. Later rows with other
            values are rejected; choose a wider type such as string to import them.
          </Text>
        )}
        <ColumnsTable
          mapped={mapped}
          samples={samplesOf(inspected)}
          targets={undefined}
          onChange={onMapped}
        />
        {key !== undefined && (
          <Checkbox
            size="xs"
            label={`${key} identifies a row: no two rows have the same, and other tables can refer to it`}
            checked={isUnique}
            onChange={({ currentTarget: { checked } }) => setUnique(checked)}
          />
        )}
        <ErrorNote error={create.error ?? start.error} />
        <Problem text={problem} />
        <Group className={classes.actions}>
          <Button type="submit" size="sm" loading={create.isPending} disabled={problem !== undefined}>
            Create the table and import
          </Button>
          <Button
            size="sm"
            variant="default"
            disabled={problem !== undefined || create.isPending || start.isPending}
            onClick={() =>
              start.mutate({
                table: name,
                reading: completed(reading, inspected),
                columns: columnsOf(mapped),
                dryRun: true,
                newTable: body,
              })
            }
          >
            Check without importing
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The mapping with what was changed on the page; the rest follows what is found out about the file. */
function useMapped(found: readonly Mapped[]): [Mapped[], OnMapped] {
  const [changes, setChanges] = useState<ReadonlyMap<string, Partial<Mapped>>>(new Map());
  const mapped = useMemo(
    () =>
      found.map((column) =>
        changes.has(column.label) ? { ...column, ...changes.get(column.label) } : column,
      ),
    [found, changes],
  );
  const change = useCallback<OnMapped>(
    (label, changed) => setChanges((all) => new Map(all).set(label, { ...all.get(label), ...changed })),
    [],
  );
  return [mapped, change];
}

function ExistingTable(props: FormProps & { name: string }) {
  const table = useQuery(tableQuery(props.workspace, props.name));
  if (table.data === undefined) return <ErrorNote error={table.error} />;
  return <IntoTable {...props} table={table.data} />;
}

type Conflict = "error" | "ignore" | "update";

const CONFLICTS: { value: Conflict; label: string }[] = [
  { value: "error", label: "reject it" },
  { value: "update", label: "update the row in the table" },
  { value: "ignore", label: "ignore it" },
];

function IntoTable(props: FormProps & { table: Pick<Table, "name" | "schemaDef" | "indexes"> }) {
  const { table, inspected, reading } = props;
  const names = useMemo(() => table.schemaDef.map((column) => column.name), [table]);
  const matched = useMemo(() => forTable(inspected, names), [inspected, names]);
  const [mapped, onMapped] = useMapped(matched);
  const keys = table.indexes
    .filter((index) => index.isUnique)
    .map((index) => index.columns.map((each) => each.name).join(", "));
  const [conflict, setConflict] = useState<Conflict>("error");
  const [chosenKey, setKey] = useState("");
  const key = chosenKey || (keys[0] ?? "");
  const [mode, setMode] = useState<"partial" | "atomic">("partial");
  const start = useStart(props);
  const problem = problemOf(mapped, names);
  const body = (dryRun: boolean): ImportBody => ({
    table: table.name,
    reading: completed(reading, inspected),
    columns: columnsOf(mapped),
    mode,
    keepFile: hasMore(inspected),
    ...(conflict === "error" ? {} : { onConflict: conflict, key: key.split(", ") }),
    dryRun,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (problem === undefined) start.mutate(body(false));
      }}
    >
      <Stack gap="sm">
        <ColumnsTable mapped={mapped} samples={samplesOf(inspected)} targets={names} onChange={onMapped} />
        <Group align="flex-end">
          <NativeSelect
            size="xs"
            label="If a row is refused"
            data={[
              { value: "partial", label: "import the others" },
              { value: "atomic", label: "import nothing" },
            ]}
            value={mode}
            onChange={({ currentTarget: { value } }) => setMode(value === "atomic" ? "atomic" : "partial")}
          />
          {keys.length > 0 && (
            <NativeSelect
              size="xs"
              label="If a row is in the table"
              data={CONFLICTS}
              value={conflict}
              onChange={({ currentTarget: { value } }) =>
                setConflict(CONFLICTS.find((each) => each.value === value)?.value ?? "error")
              }
            />
          )}
          {conflict !== "error" && (
            <NativeSelect
              size="xs"
              label="Same row means same"
              data={keys}
              value={key}
              onChange={({ currentTarget: { value } }) => setKey(value)}
            />
          )}
        </Group>
        <ErrorNote error={start.error} />
        <Problem text={problem} />
        <Group className={classes.actions}>
          <Button type="submit" size="sm" loading={start.isPending} disabled={problem !== undefined}>
            Import
          </Button>
          <Button
            size="sm"
            variant="default"
            disabled={problem !== undefined || start.isPending}
            onClick={() => start.mutate(body(true))}
          >
            Check without importing
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Problem({ text }: { text: string | undefined }) {
  return text === undefined ? null : (
    <Alert color="yellow" role="alert">
      {text}
    </Alert>
  );
}
