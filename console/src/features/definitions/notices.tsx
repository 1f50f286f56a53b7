import { Alert, Anchor, Loader } from "@mantine/core";
import { Link } from "react-router";
import { messageOf } from "../../api/errors";
import { useListsAgain } from "../tables/useListsAgain";

/** In the place of a page that somebody may not use. */
export function NotAllowed({ what }: { what: string }) {
  return (
    <Alert m="md" role="alert">
      You may not {what}. Ask a manager of the workspace.
    </Alert>
  );
}

/** In the place of a page that is being loaded, or could not be. */
export function Waiting({ workspace, error }: { workspace: string; error: Error | null }) {
  useListsAgain(error);
  return error === null ? (
    <Loader m="md" aria-label="Loading" />
  ) : (
    <Alert m="md" color="red" role="alert">
      {messageOf(error)}{" "}
      <Anchor component={Link} to={`/w/${workspace}/tables`} size="sm" c="inherit" td="underline">
        All tables
      </Anchor>
    </Alert>
  );
}
