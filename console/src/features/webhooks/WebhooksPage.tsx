import { Button, Container, Loader, Table, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { OnlyManagers } from "../apps/OnlyManagers";
import { localTime } from "../grid/cellText";
import { ErrorNote } from "../people/ErrorNote";
import { HookDialog } from "./HookDialog";
import { bodyOf, type HookDraft, NEW_HOOK } from "./hookDraft";
import { HookState } from "./HookState";
import {
  createWebhook,
  lastDeliveryQuery,
  takeSecret,
  type Webhook,
  webhooksChanged,
  webhooksQuery,
} from "./queries";

/** The webhooks of a workspace, for its managers. */
export function WebhooksPage() {
  const { workspace = "main" } = useParams();
  return (
    <OnlyManagers title="Webhooks" workspace={workspace}>
      <Webhooks workspace={workspace} />
    </OnlyManagers>
  );
}

function Webhooks({ workspace }: { workspace: string }) {
  useDocumentTitle("Webhooks – Rowkeep");
  const webhooks = useQuery(webhooksQuery(workspace));
  const [isAdding, setAdding] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  async function create(draft: HookDraft): Promise<void> {
    const made = await createWebhook(workspace, bodyOf(draft));
    takeSecret(queries, made);
    await webhooksChanged(queries, workspace);
    await navigate(`/w/${workspace}/webhooks/${made.id}`);
  }
  return (
    <Container size="lg" p="md" w="100%" ml={0}>
      <Title order={1} size="h2" mb="xs">
        Webhooks
      </Title>
      <Text size="sm" mb="md">
        They send each change of some tables to another program, signed and in order.
      </Text>
      <ErrorNote error={webhooks.error} />
      <Button
        mb="md"
        size="xs"
        leftSection={<IconPlus size={16} aria-hidden />}
        onClick={() => setAdding(true)}
      >
        New webhook
      </Button>
      {isAdding && (
        <HookDialog
          workspace={workspace}
          title="New webhook"
          action="Create webhook"
          initial={NEW_HOOK}
          onSave={create}
          onClose={() => setAdding(false)}
        />
      )}
      {webhooks.isPending && <Loader aria-label="Loading webhooks" />}
      {webhooks.data?.length === 0 && <Text>There is no webhook yet.</Text>}
      {webhooks.data !== undefined && webhooks.data.length > 0 && (
        <HookList workspace={workspace} webhooks={webhooks.data} />
      )}
    </Container>
  );
}

function HookList({ workspace, webhooks }: { workspace: string; webhooks: readonly Webhook[] }) {
  return (
    <Table.ScrollContainer minWidth={700}>
      <Table verticalSpacing="xs" aria-label="Webhooks">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>URL</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Tables and changes</Table.Th>
            <Table.Th>Last message</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {webhooks.map((webhook) => (
            <Table.Tr key={webhook.id}>
              <Table.Td className="long-name">
                <Text component={Link} to={`/w/${workspace}/webhooks/${webhook.id}`} c="blue" fw={500}>
                  {webhook.url}
                </Text>
              </Table.Td>
              <Table.Td>
                <HookState webhook={webhook} />
              </Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>
                {webhook.tables.join(", ")}: {webhook.kinds.join(", ")}
              </Table.Td>
              <Table.Td>
                <LastMessage workspace={workspace} webhook={webhook} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function LastMessage({ workspace, webhook }: { workspace: string; webhook: Webhook }) {
  const { data: last, error } = useQuery(lastDeliveryQuery(workspace, webhook.id));
  return (
    <>
      <ErrorNote error={error} />
      {last === null && "none"}
      {last != null && `${last.state}, ${localTime(last.lastAttemptOn ?? last.createdOn)}`}
      {webhook.nPending > 0 && <Text size="sm">{webhook.nPending.toLocaleString()} wait</Text>}
    </>
  );
}
