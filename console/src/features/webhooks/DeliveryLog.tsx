import { Badge, Button, Group, Loader, NativeSelect, Table, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { OlderButton } from "../filters/OlderButton";
import { localTime } from "../grid/cellText";
import { ErrorNote } from "../people/ErrorNote";
import { outcomeOf, STATES } from "./hookDraft";
import { deliveriesQuery, type Delivery, redeliver, webhooksChanged } from "./queries";

interface DeliveryLogProps {
  workspace: string;
  webhook: string;
}

/** The messages of a webhook, the newest first. */
export function DeliveryLog({ workspace, webhook }: DeliveryLogProps) {
  const [state, setState] = useState<Delivery["state"] | "">("");
  const log = useInfiniteQuery(deliveriesQuery(workspace, webhook, state));
  const deliveries = log.data?.pages.flatMap((page) => page.deliveries) ?? [];
  const queries = useQueryClient();
  const again = useMutation({
    mutationFn: ({ id }: Delivery) => redeliver(workspace, webhook, id),
    onSuccess: async (sent) => {
      const outcome = sent.state === "pending" ? "is sent in its turn" : outcomeOf(sent);
      notifications.show({ message: `${sent.type}: ${outcome}` });
      await webhooksChanged(queries, workspace);
    },
  });
  return (
    <section aria-label="Messages">
      <Title order={2} size="h4" mb="xs">
        Messages
      </Title>
      <Group mb="md" gap="xs" align="flex-end">
        <NativeSelect
          size="xs"
          label="State"
          value={state}
          onChange={(event) => setState(STATES.find((each) => each === event.currentTarget.value) ?? "")}
        >
          <option value="">All</option>
          {STATES.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </NativeSelect>
        <Button size="xs" variant="default" loading={log.isRefetching} onClick={() => void log.refetch()}>
          Read again
        </Button>
      </Group>
      <ErrorNote error={log.error ?? again.error} />
      {log.isPending && <Loader aria-label="Loading messages" />}
      {log.isSuccess && deliveries.length === 0 && (
        <Text>{state === "" ? "There is no message yet." : "No message is in this state."}</Text>
      )}
      {deliveries.length > 0 && (
        <Table.ScrollContainer minWidth={700}>
          <Table verticalSpacing={4} aria-label="Messages">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Last attempt</Table.Th>
                <Table.Th>Type</Table.Th>
                <Table.Th>State</Table.Th>
                <Table.Th>Attempts</Table.Th>
                <Table.Th>Outcome</Table.Th>
                <Table.Th>
                  <span className="visually-hidden">Actions</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {deliveries.map((delivery) => (
                <DeliveryRow
                  key={delivery.id}
                  delivery={delivery}
                  isBusy={again.isPending && again.variables.id === delivery.id}
                  onAgain={() => again.mutate(delivery)}
                />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <OlderButton noun="messages" list={log} />
    </section>
  );
}

interface DeliveryRowProps {
  delivery: Delivery;
  isBusy: boolean;
  onAgain: () => void;
}

function DeliveryRow({ delivery, isBusy, onAgain }: DeliveryRowProps) {
  const { id, type, state, attempts, createdOn, lastAttemptOn, nextAttemptOn } = delivery;
  return (
    <Table.Tr>
      <Table.Td title={`${id}, created ${createdOn}`}>{localTime(lastAttemptOn ?? createdOn)}</Table.Td>
      <Table.Td style={{ overflowWrap: "anywhere" }}>{type}</Table.Td>
      <Table.Td>
        <Badge
          size="xs"
          miw="max-content"
          {...(state === "failed" ? { color: "red.9" } : { variant: "default" })}
        >
          {state}
        </Badge>
        {nextAttemptOn !== null && <Text size="xs">next: {localTime(nextAttemptOn)}</Text>}
      </Table.Td>
      <Table.Td>{attempts}</Table.Td>
      <Table.Td style={{ overflowWrap: "anywhere" }}>{outcomeOf(delivery)}</Table.Td>
      <Table.Td>
        <Button size="compact-xs" variant="default" loading={isBusy} onClick={onAgain}>
          Send again<span className="visually-hidden">: {type}</span>
        </Button>
      </Table.Td>
    </Table.Tr>
  );
}
