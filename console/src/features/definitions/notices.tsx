import { Alert, Loader } from "@mantine/core";
import { messageOf } from "../../api/errors";

/** In the place of a page that somebody may not use. */
export function NotAllowed({ what }: { what: string }) {
  return (
    <Alert m="md" role="alert">
      You may not {what}. Ask a manager of the workspace.
    </Alert>
  );
}

/** In the place of a page that is being loaded, or could not be. */
export function Waiting({ error }: { error: Error | null }) {
  return error === null ? (
    <Loader m="md" aria-label="Loading" />
  ) : (
    <Alert m="md" color="red" role="alert">
      {messageOf(error)}
    </Alert>
  );
}
