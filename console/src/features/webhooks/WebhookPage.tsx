import { Alert, Anchor, Button, Container, Divider, Group, Loader, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { NotFound } from "../../app/ErrorPage";
import { ConfirmDialog } from "../apps/ConfirmDialog";
import { OnlyManagers } from "../apps/OnlyManagers";
import { hideSecrets } from "../apps/queries";
import { SecretNote } from "../apps/SecretNote";
import { localTime } from "../grid/cellText";
import { ErrorNote } from "../people/ErrorNote";
import { DeliveryLog } from "./DeliveryLog";
import { HookDialog } from "./HookDialog";
import { draftOf, formerUntil, outcomeOf, patchOf, stateOf } from "./hookDraft";
import { HookState } from "./HookState";
import {
  changeWebhook,
  deleteWebhook,
  rotateWebhookSecret,
  takeSecret,
  testWebhook,
  type Webhook,
  webhooksChanged,
  webhooksQuery,
} from "./queries";

/** One webhook: its state, what can be done with it, and its messages. */
export function WebhookPage() {
  const { workspace = "main", webhook = "" } = useParams();
  return (
    <OnlyManagers title="Webhook" workspace={workspace}>
      <OneWebhook workspace={workspace} id={webhook} />
    </OnlyManagers>
  );
}

function OneWebhook({ workspace, id }: { workspace: string; id: string }) {
  useDocumentTitle("Webhook – Rowkeep");
  const webhooks = useQuery(webhooksQuery(workspace));
  const webhook = webhooks.data?.find((each) => each.id === id);
  if (webhooks.data !== undefined && webhook === undefined) return <NotFound />;
  return (
    <Container size="lg" p="md" w="100%" ml={0}>
      <Text size="sm">
        <Anchor component={Link} underline="always" to={`/w/${workspace}/webhooks`}>
          Webhooks
        </Anchor>
      </Text>
      <Title order={1} size="h3" mb="xs" style={{ overflowWrap: "anywhere" }}>
        {webhook?.url ?? "Webhook"}
      </Title>
      <ErrorNote error={webhooks.error} />
      {webhooks.isPending && <Loader aria-label="Loading the webhook" />}
      {webhook !== undefined && (
        <div key={id}>
          <HookState webhook={webhook} />
          <Text size="sm" my="xs" style={{ overflowWrap: "anywhere" }}>
            {webhook.tables.join(", ")}: {webhook.kinds.join(", ")}. Created on {localTime(webhook.createdOn)}
            .{webhook.nPending > 0 && ` ${webhook.nPending.toLocaleString()} messages wait.`}
          </Text>
          <SecretNote clientId={id} />
          <Actions workspace={workspace} webhook={webhook} />
          <Divider my="lg" />
          <DeliveryLog workspace={workspace} webhook={id} />
        </div>
      )}
    </Container>
  );
}

interface ActionsProps {
  workspace: string;
  webhook: Webhook;
}

type Asked = "change" | "rotate" | "delete";

function Actions({ workspace, webhook }: ActionsProps) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [validUntil, setValidUntil] = useState("");
  const queries = useQueryClient();
  const close = () => setAsked(null);
  const changed = () => webhooksChanged(queries, workspace);
  const { isSending } = stateOf(webhook);
  const send = useMutation({
    mutationFn: () =>
      changeWebhook(workspace, webhook.id, isSending ? { enabled: false } : { enabled: true, resume: true }),
    onSuccess: changed,
  });
  const test = useMutation({ mutationFn: () => testWebhook(workspace, webhook.id), onSuccess: changed });
  const buttons = { size: "xs", variant: "default" } as const;
  return (
    <>
      {validUntil !== "" && (
        <Alert mb="md" role="status">
          The former secret is valid until {localTime(validUntil)}.
        </Alert>
      )}
      <ErrorNote error={send.error ?? test.error} />
      <Group gap="xs">
        <Button {...buttons} loading={test.isPending} onClick={() => test.mutate()}>
          Send a test
        </Button>
        <Button {...buttons} onClick={() => setAsked("change")}>
          Change
        </Button>
        <Button {...buttons} loading={send.isPending} onClick={() => send.mutate()}>
          {isSending ? "Pause" : "Resume"}
        </Button>
        <Button {...buttons} onClick={() => setAsked("rotate")}>
          New secret
        </Button>
        <Button size="xs" variant="outline" color="red" onClick={() => setAsked("delete")}>
          Delete
        </Button>
      </Group>
      {test.data !== undefined && (
        <Alert mt="md" role="status" color={test.data.state === "delivered" ? "green" : "red"}>
          {test.data.state === "delivered"
            ? "The receiver accepted the test message: "
            : "The test message was not accepted: "}
          {outcomeOf(test.data)}
        </Alert>
      )}
      {asked === "change" && (
        <HookDialog
          workspace={workspace}
          title="Change the webhook"
          action="Save changes"
          initial={draftOf(webhook)}
          onSave={async (draft) => {
            await changeWebhook(workspace, webhook.id, { resume: false, ...patchOf(webhook, draft) });
            await changed();
            close();
          }}
          onClose={close}
        />
      )}
      {asked === "rotate" && (
        <RotateDialog
          workspace={workspace}
          webhook={webhook}
          onDone={(until) => {
            setValidUntil(until);
            close();
          }}
          onCancel={close}
        />
      )}
      {asked === "delete" && <DeleteDialog workspace={workspace} webhook={webhook} onCancel={close} />}
    </>
  );
}

interface RotateDialogProps extends ActionsProps {
  onDone: (validUntil: string) => void;
  onCancel: () => void;
}

function RotateDialog({ workspace, webhook, onDone, onCancel }: RotateDialogProps) {
  const queries = useQueryClient();
  const rotate = useMutation({
    mutationFn: () => rotateWebhookSecret(workspace, webhook.id),
    onSuccess: (made) => {
      takeSecret(queries, made);
      onDone(formerUntil(Date.now()));
    },
  });
  return (
    <ConfirmDialog
      title="Create a new secret?"
      action="Create a new secret"
      error={rotate.error}
      isBusy={rotate.isPending}
      onConfirm={() => rotate.mutate()}
      onCancel={onCancel}
    >
      <Text size="sm">
        For 24 hours, messages are signed with the present secret, too. An older one that is still valid ends
        at once.
      </Text>
    </ConfirmDialog>
  );
}

function DeleteDialog({ workspace, webhook, onCancel }: ActionsProps & { onCancel: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => deleteWebhook(workspace, webhook.id),
    onSuccess: async () => {
      notifications.show({ message: "The webhook is deleted." });
      hideSecrets(queries, webhook.id);
      await navigate(`/w/${workspace}/webhooks`);
      queries.removeQueries({ queryKey: ["deliveries", workspace, webhook.id] });
      await webhooksChanged(queries, workspace);
    },
  });
  return (
    <ConfirmDialog
      title="Delete the webhook?"
      action="Delete the webhook"
      error={remove.error}
      isBusy={remove.isPending}
      onConfirm={() => remove.mutate()}
      onCancel={onCancel}
    >
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {webhook.url} receives nothing more. Messages that wait and the log are deleted. This cannot be
        undone.
      </Text>
    </ConfirmDialog>
  );
}
