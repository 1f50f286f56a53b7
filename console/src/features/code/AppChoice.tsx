import {
  Alert,
  Anchor,
  Group,
  NativeSelect,
  PasswordInput,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { ALGORITHMS, algorithmOf, hasKeyPair } from "../apps/appDraft";
import { type App, appGrantsQuery, appsQuery } from "../apps/queries";
import { canSign, type Credentials, type SigningApp } from "../apps/signing";
import type { Source } from "../grid/rowQueries";
import { ErrorNote } from "../people/ErrorNote";
import { useIsManager } from "../session/useIsManager";

interface AppChoiceProps {
  source: Source;
  app: SigningApp | undefined;
  onApp: (app: SigningApp | undefined) => void;
  credentials: Credentials;
  onCredentials: (credentials: Credentials) => void;
}

/** Which app sends the requests, and what signs its tokens. */
export function AppChoice({ source, app, onApp, credentials, onCredentials }: AppChoiceProps) {
  const isManager = useIsManager(source.workspace);
  return (
    <Stack gap="sm">
      {isManager ? (
        <ListedApps source={source} app={app} onApp={onApp} />
      ) : (
        <OtherApp app={app} onApp={onApp} />
      )}
      {app !== undefined && canSign() && (
        <SecretFields app={app} credentials={credentials} onChange={onCredentials} />
      )}
      {!canSign() && (
        <Alert color="yellow">
          Browsers sign tokens only on pages of https. Open the console with https, or use code that signs
          itself.
        </Alert>
      )}
    </Stack>
  );
}

function ListedApps({ source, app, onApp }: Pick<AppChoiceProps, "source" | "app" | "onApp">) {
  const apps = useQuery(appsQuery(source.workspace));
  if (apps.data?.length === 0) {
    return (
      <Text size="sm">
        There is no app yet.{" "}
        <Anchor component={Link} underline="always" to={`/w/${source.workspace}/apps`}>
          Create one
        </Anchor>{" "}
        first.
      </Text>
    );
  }
  return (
    <>
      <ErrorNote error={apps.error} />
      <NativeSelect
        label="App"
        maw={400}
        data={[
          { value: "", label: "Choose an app" },
          ...(apps.data ?? []).map(({ clientId, name }) => ({ value: clientId, label: name })),
        ]}
        value={app?.clientId ?? ""}
        onChange={(event) => {
          const { value } = event.currentTarget;
          onApp(apps.data?.find(({ clientId }) => clientId === value));
        }}
      />
      {app !== undefined && <RightsLine source={source} clientId={app.clientId} />}
    </>
  );
}

/** What the app may do here. */
function RightsLine({ source, clientId }: { source: Source; clientId: string }) {
  const grants = useQuery(appGrantsQuery(source.workspace, clientId));
  if (grants.data === undefined) return <ErrorNote error={grants.error} />;
  const name = source.name.toLowerCase();
  const found = grants.data.find((each) =>
    "view" in each
      ? source.kind === "views" && each.view.toLowerCase() === name
      : source.kind === "tables" && each.table.toLowerCase() === name,
  );
  const rights = (["read", "write", "delete"] as const).filter((right) => found?.[right] === true);
  return (
    <Text size="sm">
      {rights.length === 0 ? "It may do nothing here yet. " : `It may ${rights.join(", ")} here. `}
      <Anchor component={Link} underline="always" to={`/w/${source.workspace}/grants?app=${clientId}`}>
        Change grants
      </Anchor>
    </Text>
  );
}

/** For people who do not manage apps: somebody gave them the credentials of one. */
function OtherApp({ app, onApp }: Pick<AppChoiceProps, "app" | "onApp">) {
  const set = (changed: Partial<Pick<App, "clientId" | "algorithm">>) =>
    onApp({
      clientId: "",
      algorithm: "HS256",
      requireJti: false,
      audience: null,
      requireJwe: false,
      ...app,
      ...changed,
    });
  return (
    <Group align="flex-end" gap="sm">
      <TextInput
        label="Client id of the app"
        w={380}
        maw="100%"
        value={app?.clientId ?? ""}
        onChange={(event) => set({ clientId: event.currentTarget.value.trim() })}
      />
      <NativeSelect
        label="Algorithm"
        data={ALGORITHMS}
        value={app?.algorithm ?? "HS256"}
        onChange={(event) => set({ algorithm: algorithmOf(event.currentTarget.value) })}
      />
    </Group>
  );
}

interface SecretFieldsProps {
  app: SigningApp;
  credentials: Credentials;
  onChange: (credentials: Credentials) => void;
}

const STAYS = "It stays in this page, which signs tokens with it. It is not sent or stored.";

function SecretFields({ app, credentials, onChange }: SecretFieldsProps) {
  const { secret, jweKey } = credentials;
  return (
    <>
      {hasKeyPair(app.algorithm) ? (
        <Textarea
          label="Private key of the app"
          description={STAYS}
          autoComplete="off"
          spellCheck={false}
          autosize
          minRows={3}
          maxRows={6}
          value={secret}
          onChange={(event) => onChange({ secret: event.currentTarget.value, jweKey })}
        />
      ) : (
        <PasswordInput
          label="Secret of the app"
          description={STAYS}
          maw={560}
          autoComplete="off"
          value={secret}
          onChange={(event) => onChange({ secret: event.currentTarget.value, jweKey })}
        />
      )}
      {app.requireJwe && (
        <PasswordInput
          label="JWE key of the app"
          maw={560}
          autoComplete="off"
          value={jweKey}
          onChange={(event) => onChange({ secret, jweKey: event.currentTarget.value })}
        />
      )}
    </>
  );
}
