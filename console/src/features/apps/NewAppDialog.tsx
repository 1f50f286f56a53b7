import {
  Button,
  Checkbox,
  Group,
  Modal,
  NativeSelect,
  PasswordInput,
  Stack,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useFocusBack } from "../../app/useFocusBack";
import { useDraftGuard } from "../editing/useDraftGuard";
import { ErrorNote } from "../people/ErrorNote";
import { ALGORITHMS, algorithmOf, hasKeyPair, NEW_APP, type NewAppDraft, newAppOf } from "./appDraft";
import { LimitFields } from "./LimitFields";
import { appChanged, createApp } from "./queries";

interface NewAppDialogProps {
  workspace: string;
  onClose: () => void;
}

/** Creates an app, then opens its page, which shows the secret. */
export function NewAppDialog({ workspace, onClose }: NewAppDialogProps) {
  useFocusBack();
  const [draft, setDraft] = useState(NEW_APP);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: () => createApp(workspace, newAppOf(draft)),
    onSuccess: async (app) => {
      await appChanged(queries, workspace, app);
      await navigate(`/w/${workspace}/apps/${app.clientId}`);
    },
  });
  const guard = useDraftGuard(draft !== NEW_APP && !create.isSuccess, onClose);
  const set = (changed: Partial<NewAppDraft>) => setDraft({ ...draft, ...changed });
  return (
    <Modal
      opened
      onClose={guard.close}
      closeOnEscape={!guard.isAsking}
      title="New app"
      size="lg"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <Stack>
          <ErrorNote error={create.error} />
          <TextInput
            label="Name"
            required
            data-autofocus
            value={draft.name}
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
          <NativeSelect
            label="Algorithm of its tokens"
            data={ALGORITHMS}
            value={draft.algorithm}
            onChange={(event) => set({ algorithm: algorithmOf(event.currentTarget.value) })}
          />
          {hasKeyPair(draft.algorithm) ? (
            <PublicKeyInput value={draft.publicKey} onChange={(publicKey) => set({ publicKey })} />
          ) : (
            <BroughtFields draft={draft} onChange={set} />
          )}
          <details>
            <summary>Limits and tokens</summary>
            <LimitFields limits={draft} onChange={set} />
          </details>
          <Group>
            <Button type="submit" loading={create.isPending}>
              Create app
            </Button>
            <Button variant="default" onClick={guard.close}>
              Cancel
            </Button>
          </Group>
        </Stack>
      </form>
      {guard.dialog}
    </Modal>
  );
}

interface BroughtFieldsProps {
  draft: NewAppDraft;
  onChange: (changed: Partial<NewAppDraft>) => void;
}

/** The credentials of an app that exists elsewhere; otherwise the server makes new ones. */
function BroughtFields({ draft, onChange }: BroughtFieldsProps) {
  return (
    <>
      <Checkbox
        label="It has a client id and a secret of another system"
        checked={draft.isBrought}
        onChange={(event) => onChange({ isBrought: event.currentTarget.checked })}
      />
      {draft.isBrought && (
        <>
          <TextInput
            label="Client id"
            description="“cs-” and a UUID."
            required
            value={draft.clientId}
            onChange={(event) => onChange({ clientId: event.currentTarget.value })}
          />
          <PasswordInput
            label="Secret"
            required
            autoComplete="off"
            value={draft.clientSecret}
            onChange={(event) => onChange({ clientSecret: event.currentTarget.value })}
          />
        </>
      )}
    </>
  );
}

interface PublicKeyInputProps {
  value: string;
  onChange: (value: string) => void;
}

export function PublicKeyInput({ value, onChange }: PublicKeyInputProps) {
  return (
    <Textarea
      label="Public key"
      description="RSA with at least 2,048 bits, in PEM. The app signs with the private key, which Rowkeep does not need."
      required
      autosize
      minRows={4}
      maxRows={12}
      spellCheck={false}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
