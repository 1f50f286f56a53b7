import { Alert } from "@mantine/core";
import { messageOf } from "../../api/errors";

/** The error of a request, or nothing. */
export function ErrorNote({ error }: { error: Error | null }) {
  return error === null ? null : (
    <Alert color="red" role="alert" my="sm">
      {messageOf(error)}
    </Alert>
  );
}
