import { Badge, Button, Code, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { API_ADDRESS } from "../../app/place";
import { type Credentials, type SigningApp, signToken } from "../apps/signing";
import { ErrorNote } from "../people/ErrorNote";
import type { DataRequest } from "./requests";
import { type Reply, send } from "./send";

interface TryItProps {
  app: SigningApp;
  credentials: Credentials;
  request: DataRequest;
  body: string;
  isReady: boolean;
  changesRows: boolean;
}

/** Sends the request as the app, with a token of its own, and shows the response. */
export function TryIt({ app, credentials, request, body, isReady, changesRows }: TryItProps) {
  const sending = useMutation({
    mutationFn: async () => {
      const token = await signToken(app, credentials);
      return send({ address: API_ADDRESS + request.path, method: request.method, body, token });
    },
  });
  return (
    <section aria-label="Try it">
      <Title order={2} size="h4" mb="xs">
        Try it
      </Title>
      <Group gap="sm">
        <Button size="xs" disabled={!isReady} loading={sending.isPending} onClick={() => sending.mutate()}>
          Send the request
        </Button>
        <Text size="sm">
          {isReady
            ? changesRows
              ? "It changes rows, as the app would."
              : "It is sent as the app would send it."
            : "Enter the secret of the app first."}
        </Text>
      </Group>
      <ErrorNote error={sending.error} />
      {sending.data !== undefined && <ReplyView reply={sending.data} />}
    </section>
  );
}

/** More is cut: the page must stay quick. */
const MOST_SHOWN = 100_000;

function ReplyView({ reply }: { reply: Reply }) {
  const isCut = reply.body.length > MOST_SHOWN;
  return (
    <Stack gap="xs" mt="sm">
      <Group gap="xs" role="status">
        <Badge {...(reply.status < 400 ? { variant: "default" } : { color: "red.9" })}>
          {reply.status} {reply.statusText}
        </Badge>
        <Text size="sm">{Math.round(reply.milliseconds).toLocaleString()} ms</Text>
      </Group>
      <details>
        <summary>{reply.headers.length} headers</summary>
        <Table.ScrollContainer minWidth={200}>
          <Table aria-label="Headers">
            <Table.Tbody>
              {reply.headers.map(([name, value]) => (
                <Table.Tr key={name}>
                  <Table.Td>{name}</Table.Td>
                  <Table.Td>{value}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </details>
      <Code
        block
        tabIndex={0}
        role="region"
        aria-label="Response body"
        mah={480}
        style={{ overflow: "auto" }}
      >
        {isCut ? reply.body.slice(0, MOST_SHOWN) : reply.body}
      </Code>
      {isCut && <Text size="sm">Only the first {MOST_SHOWN.toLocaleString()} characters are shown.</Text>}
    </Stack>
  );
}
