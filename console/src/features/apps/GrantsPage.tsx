import { Anchor, Button, Container, Group, Loader, Text, TextInput, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useQueries, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { ErrorNote } from "../people/ErrorNote";
import { listed, matching } from "../tables/listed";
import { tablesQuery, viewsQuery } from "../tables/queries";
import { ChangesBar } from "./ChangesBar";
import { GrantMatrix } from "./GrantMatrix";
import { type Changes, granted, type Place, type Right, withRight } from "./grants";
import classes from "./GrantMatrix.module.css";
import { OnlyManagers } from "./OnlyManagers";
import { appGrantsQuery, appsQuery } from "./queries";

/** How many apps are next to each other at first. */
const APPS = 20;
const NONE: Changes = new Map();

/** Which app may do what with which table or view, for managers. */
export function GrantsPage() {
  const { workspace = "main" } = useParams();
  return (
    <OnlyManagers title="Grants" workspace={workspace}>
      <Grants key={workspace} workspace={workspace} />
    </OnlyManagers>
  );
}

function Grants({ workspace }: { workspace: string }) {
  useDocumentTitle("Grants – Rowkeep");
  const [parameters] = useSearchParams();
  const chosen = parameters.get("app");
  const apps = useQuery(appsQuery(workspace));
  const tables = useQuery(tablesQuery(workspace, "all"));
  const views = useQuery(viewsQuery(workspace, "all"));
  const [appSearch, setAppSearch] = useState<string>();
  const [search, setSearch] = useState("");
  const [most, setMost] = useState(APPS);
  const [changes, setChanges] = useState(NONE);

  const all = useMemo(() => apps.data ?? [], [apps.data]);
  const first = all.find(({ clientId }) => clientId === chosen)?.name ?? "";
  const wanted = (appSearch ?? first).trim().toLowerCase();
  const found = useMemo(
    () => all.filter(({ name, clientId }) => `${name} ${clientId}`.toLowerCase().includes(wanted)),
    [all, wanted],
  );
  const shownApps = useMemo(() => found.slice(0, most), [found, most]);
  const things = useMemo(
    () => matching(listed(tables.data ?? [], views.data ?? []), search),
    [tables.data, views.data, search],
  );
  const grants = useQueries({
    queries: shownApps.map(({ clientId }) => appGrantsQuery(workspace, clientId)),
    combine: (results) => ({
      list: results.flatMap(({ data }) => data ?? []),
      isPending: results.some(({ isPending }) => isPending),
      error: results.find(({ error }) => error !== null)?.error ?? null,
    }),
  });
  const stored = useMemo(() => granted(grants.list), [grants.list]);
  const error = apps.error ?? tables.error ?? views.error ?? grants.error;
  const isPending = apps.isPending || tables.isPending || views.isPending || grants.isPending;
  const set = useCallback(
    (places: readonly Place[], right: Right, value: boolean) =>
      setChanges((before) => withRight(stored, before, places, right, value)),
    [stored],
  );

  return (
    <div className={classes.page}>
      <Container fluid px="md" pt="md" w="100%">
        <Text size="sm">
          <Anchor component={Link} underline="always" to={`/w/${workspace}/apps`}>
            Apps
          </Anchor>
        </Text>
        <Title order={1} size="h2" mb="xs">
          Grants
        </Title>
        <ErrorNote error={error} />
        <Group mb="xs" gap="xs">
          <TextInput
            size="xs"
            label="Tables and views"
            placeholder="Search"
            leftSection={<IconSearch size={16} aria-hidden />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <TextInput
            size="xs"
            label="Apps"
            placeholder="Search"
            leftSection={<IconSearch size={16} aria-hidden />}
            value={appSearch ?? first}
            onChange={(event) => setAppSearch(event.currentTarget.value)}
          />
        </Group>
        {found.length > shownApps.length && (
          <Group gap="xs" mb="xs">
            <Text size="sm">
              The first {shownApps.length} of {found.length.toLocaleString()} apps.
            </Text>
            <Button size="compact-xs" variant="default" onClick={() => setMost(most + APPS)}>
              Show more
            </Button>
          </Group>
        )}
        {isPending && error === null && <Loader aria-label="Loading grants" />}
        {!isPending && all.length === 0 && (
          <Text>
            There is no app yet.{" "}
            <Anchor component={Link} underline="always" to={`/w/${workspace}/apps`}>
              Create one
            </Anchor>{" "}
            first.
          </Text>
        )}
        {!isPending && all.length > 0 && (things.length === 0 || found.length === 0) && (
          <Text>No {found.length === 0 ? "app" : "table or view"} matches the search.</Text>
        )}
      </Container>
      {!isPending && error === null && things.length > 0 && shownApps.length > 0 && (
        <GrantMatrix apps={shownApps} things={things} stored={stored} changes={changes} onSet={set} />
      )}
      <ChangesBar workspace={workspace} apps={all} changes={changes} onChanges={setChanges} />
    </div>
  );
}
