import { Alert, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { CopyLine } from "./CopyLine";
import { hideSecrets, shownOnceQuery } from "./queries";

/** The new secret of an app, and its new JWE key: the server does not show them again. */
export function SecretNote({ clientId }: { clientId: string }) {
  const { data } = useQuery(shownOnceQuery(clientId));
  const queries = useQueryClient();
  const note = useRef<HTMLDivElement>(null);
  // what asked for it can be further down
  useEffect(() => {
    note.current?.scrollIntoView({ block: "center" });
  }, [data]);
  if (data === undefined) return null;
  return (
    <Alert
      ref={note}
      mb="md"
      title="Copy this now"
      withCloseButton
      closeButtonLabel="Hide the secret"
      onClose={() => hideSecrets(queries, clientId)}
    >
      <Stack gap="xs">
        <Text size="sm">It is not shown again later. If it is lost, make a new one.</Text>
        {data.secret !== "" && (
          <div>
            <Text size="sm" fw={500}>
              Secret
            </Text>
            <CopyLine name="the secret" value={data.secret} />
          </div>
        )}
        {data.jweKey !== "" && (
          <div>
            <Text size="sm" fw={500}>
              JWE key
            </Text>
            <CopyLine name="the JWE key" value={data.jweKey} />
          </div>
        )}
      </Stack>
    </Alert>
  );
}
