import { useSession } from "./session";

/** Whether the user manages the workspace: its definitions, apps, grants and members. */
export function useIsManager(workspace: string | undefined): boolean {
  const { session } = useSession();
  return (
    session?.admin === true ||
    session?.workspaces.some(({ name, role }) => name === workspace && role === "manager") === true
  );
}
