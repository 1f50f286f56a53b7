import { Button, Code, Group, NativeSelect, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorNote } from "../people/ErrorNote";
import { ALGORITHMS, algorithmOf, hasKeyPair } from "./appDraft";
import { ConfirmDialog } from "./ConfirmDialog";
import { PublicKeyInput } from "./NewAppDialog";
import { type App, appChanged, changeApp, type ChangedApp, rotateJweKey, rotateSecret } from "./queries";

interface CredentialsProps {
  workspace: string;
  app: App;
}

type Asked = "secret" | "jwe-key";

const QUESTIONS: Record<Asked, { title: string; text: string; action: string }> = {
  secret: {
    title: "New secret",
    text: "Tokens signed with the current secret are refused at once. The new secret is shown once.",
    action: "Replace the secret",
  },
  "jwe-key": {
    title: "New JWE key",
    text: "Tokens encrypted with the current key are refused at once. The new key is shown once.",
    action: "Replace the JWE key",
  },
};

/** The secret, the keys and the algorithm of an app. */
export function Credentials({ workspace, app }: CredentialsProps) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [isChanging, setChanging] = useState(false);
  const queries = useQueryClient();
  const onSuccess = async (changed: ChangedApp) => {
    setAsked(null);
    setChanging(false);
    await appChanged(queries, workspace, changed);
  };
  const rotate = useMutation({
    mutationFn: (what: Asked) => (what === "secret" ? rotateSecret : rotateJweKey)(workspace, app.clientId),
    onSuccess,
  });
  return (
    <section aria-label="Credentials">
      <Title order={2} size="h4" mb="xs">
        Credentials
      </Title>
      <Text size="sm" mb="xs">
        {ALGORITHMS.find(({ value }) => value === app.algorithm)?.label}
      </Text>
      {app.publicKey !== null && (
        <Code block mb="xs" tabIndex={0} role="region" aria-label="Public key">
          {app.publicKey}
        </Code>
      )}
      <Group gap="xs">
        {!hasKeyPair(app.algorithm) && (
          <Button size="xs" variant="default" onClick={() => setAsked("secret")}>
            New secret
          </Button>
        )}
        {app.requireJwe && (
          <Button size="xs" variant="default" onClick={() => setAsked("jwe-key")}>
            New JWE key
          </Button>
        )}
        {!isChanging && (
          <Button size="xs" variant="default" onClick={() => setChanging(true)}>
            {hasKeyPair(app.algorithm) ? "Change the public key or the algorithm" : "Change the algorithm"}
          </Button>
        )}
      </Group>
      {isChanging && (
        <AlgorithmForm
          workspace={workspace}
          app={app}
          onChanged={onSuccess}
          onCancel={() => setChanging(false)}
        />
      )}
      {asked !== null && (
        <ConfirmDialog
          {...QUESTIONS[asked]}
          error={rotate.error}
          isBusy={rotate.isPending}
          onConfirm={() => rotate.mutate(asked)}
          onCancel={() => {
            rotate.reset();
            setAsked(null);
          }}
        >
          <Text size="sm">{QUESTIONS[asked].text}</Text>
        </ConfirmDialog>
      )}
    </section>
  );
}

interface AlgorithmFormProps extends CredentialsProps {
  onChanged: (app: ChangedApp) => Promise<void>;
  onCancel: () => void;
}

function AlgorithmForm({ workspace, app, onChanged, onCancel }: AlgorithmFormProps) {
  const [algorithm, setAlgorithm] = useState(app.algorithm);
  const [publicKey, setPublicKey] = useState(app.publicKey ?? "");
  const isPair = hasKeyPair(algorithm);
  const change = useMutation({
    mutationFn: () => changeApp(workspace, app.clientId, isPair ? { algorithm, publicKey } : { algorithm }),
    onSuccess: onChanged,
  });
  return (
    <form
      aria-label="Algorithm"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      <Stack gap="sm" mt="sm">
        <ErrorNote error={change.error} />
        <NativeSelect
          label="Algorithm of its tokens"
          autoFocus
          data={ALGORITHMS}
          value={algorithm}
          onChange={(event) => setAlgorithm(algorithmOf(event.currentTarget.value))}
        />
        {isPair && <PublicKeyInput value={publicKey} onChange={setPublicKey} />}
        <Text size="sm">
          {isPair
            ? "Tokens signed with anything else are refused at once."
            : "The app gets a new secret, which is shown once. Tokens signed with anything else are refused at once."}
        </Text>
        <Group gap="xs">
          <Button
            size="xs"
            type="submit"
            disabled={algorithm === app.algorithm && (!isPair || publicKey === app.publicKey)}
            loading={change.isPending}
          >
            Change
          </Button>
          <Button size="xs" variant="subtle" onClick={onCancel}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
