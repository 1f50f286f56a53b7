import { Badge, Button, Code, Group, Loader, NativeSelect, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback, useDocumentTitle } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { OlderButton } from "../filters/OlderButton";
import { chosen, withField } from "../filters/parameters";
import { TimeFields } from "../filters/TimeFields";
import { useParameters } from "../filters/useParameters";
import { localTime } from "../grid/cellText";
import { ErrorNote } from "../people/ErrorNote";
import { workspacesQuery } from "../tables/queries";
import { ACTIONS } from "./actions";
import { FIELDS, groupsOf } from "./auditSelection";
import { OnlyAdministrators } from "./OnlyAdministrators";
import { type AuditEntry, auditQuery } from "./queries";

/** Who changed what, who signed in, and who was refused. */
export function AuditPage() {
  useDocumentTitle("Audit log – Rowkeep");
  return (
    <OnlyAdministrators title="Audit log">
      <AuditLog />
    </OnlyAdministrators>
  );
}

function AuditLog() {
  const [parameters, edit] = useParameters();
  const selection = chosen(FIELDS, parameters);
  const log = useInfiniteQuery(auditQuery(selection));
  const entries = log.data?.pages.flatMap((page) => page.entries) ?? [];
  const set = (name: (typeof FIELDS)[number], value: string) =>
    edit((newest) => withField(newest, name, value));
  return (
    <>
      {/* by key: the fields show what the address has when the filter is removed */}
      <Filters
        key={FIELDS.some((name) => parameters.has(name)) ? "some" : "none"}
        parameters={parameters}
        onSet={set}
      />
      <Group mb="md" gap="xs">
        {FIELDS.some((name) => parameters.has(name)) && (
          <Button size="xs" variant="default" onClick={() => edit(() => new URLSearchParams())}>
            Show all entries
          </Button>
        )}
        <Button size="xs" variant="default" loading={log.isRefetching} onClick={() => void log.refetch()}>
          Read again
        </Button>
      </Group>
      <ErrorNote error={log.error} />
      {log.isPending && <Loader aria-label="Loading the audit log" />}
      {log.isSuccess && entries.length === 0 && <Text>No entry matches.</Text>}
      {entries.length > 0 && <Entries entries={entries} onActor={(actor) => set("actor", actor)} />}
      <OlderButton noun="entries" list={log} />
    </>
  );
}

const TYPING_MS = 400;

interface FiltersProps {
  parameters: URLSearchParams;
  onSet: (name: (typeof FIELDS)[number], value: string) => void;
}

function Filters({ parameters, onSet }: FiltersProps) {
  const workspaces = useQuery(workspacesQuery());
  const action = parameters.get("action") ?? "";
  const workspace = parameters.get("workspace") ?? "";
  const [actor, setActor] = useState(parameters.get("actor") ?? "");
  const setLater = useDebouncedCallback(onSet, TYPING_MS);
  const known = workspaces.data?.map(({ name }) => name) ?? [];
  const groups = groupsOf(ACTIONS);
  return (
    <Group mb="xs" gap="xs" align="flex-end">
      <NativeSelect
        size="xs"
        label="Action"
        value={action}
        onChange={(event) => onSet("action", event.currentTarget.value)}
      >
        <option value="">All</option>
        {action !== "" && ![...groups, ...ACTIONS].includes(action) && <option>{action}</option>}
        {groups.map((group) => (
          <optgroup key={group} label={group}>
            <option value={group}>{group}: all</option>
            {ACTIONS.filter((each) => each.startsWith(`${group}.`)).map((each) => (
              <option key={each}>{each}</option>
            ))}
          </optgroup>
        ))}
      </NativeSelect>
      <TextInput
        size="xs"
        label="Actor"
        placeholder="Id, e-mail address or name"
        value={actor}
        onChange={(event) => {
          setActor(event.currentTarget.value);
          setLater("actor", event.currentTarget.value.trim());
        }}
      />
      <NativeSelect
        size="xs"
        label="Workspace"
        value={workspace}
        onChange={(event) => onSet("workspace", event.currentTarget.value)}
      >
        <option value="">All</option>
        {workspace !== "" && !known.includes(workspace) && <option>{workspace}</option>}
        {known.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </NativeSelect>
      <TimeFields parameters={parameters} onSet={setLater} />
    </Group>
  );
}

interface EntriesProps {
  entries: readonly AuditEntry[];
  onActor: (actor: string) => void;
}

function isBad({ result }: AuditEntry): boolean {
  return result === "failed" || result === "refused";
}

function Entries({ entries, onActor }: EntriesProps) {
  return (
    <Table.ScrollContainer minWidth={900}>
      <Table verticalSpacing={4} aria-label="Entries">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Time</Table.Th>
            <Table.Th>Actor</Table.Th>
            <Table.Th>Action</Table.Th>
            <Table.Th>Result</Table.Th>
            <Table.Th>Workspace and target</Table.Th>
            <Table.Th>Details</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {entries.map((entry) => (
            <Table.Tr key={entry.id}>
              <Table.Td title={entry.time}>{localTime(entry.time)}</Table.Td>
              <Table.Td>
                <Actor actor={entry.actor} onActor={onActor} />
              </Table.Td>
              <Table.Td>{entry.action}</Table.Td>
              <Table.Td>
                <Badge
                  size="xs"
                  miw="max-content"
                  {...(isBad(entry) ? { color: "red.9" } : { variant: "default" })}
                >
                  {entry.result}
                </Badge>{" "}
                {entry.cause}
              </Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>
                {[entry.workspace, entry.target].filter(Boolean).join(": ")}
              </Table.Td>
              <Table.Td>
                <Details entry={entry} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Actor({ actor, onActor }: { actor: AuditEntry["actor"]; onActor: (actor: string) => void }) {
  const text = actor.name ?? actor.id;
  if (text === undefined) return actor.kind;
  return (
    <Button
      size="compact-xs"
      variant="subtle"
      title={`${actor.kind} ${actor.id ?? ""}`}
      onClick={() => onActor(actor.id ?? text)}
    >
      {text}
      <span className="visually-hidden"> ({actor.kind}): show only these entries</span>
    </Button>
  );
}

function Details({ entry }: { entry: AuditEntry }) {
  const values = Object.entries(entry.details ?? {}).map(
    ([name, value]) => `${name}: ${JSON.stringify(value)}`,
  );
  const all = [
    ...values,
    ...(entry.address === undefined ? [] : [`address: ${entry.address}`]),
    ...(entry.requestId === undefined ? [] : [`request: ${entry.requestId}`]),
  ];
  if (all.length === 0) return null;
  return (
    <details>
      <summary>
        {all.length} <span className="visually-hidden">details of {entry.action}</span>
      </summary>
      {all.map((each) => (
        <Code key={each} block style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }} p={2}>
          {each}
        </Code>
      ))}
    </details>
  );
}
