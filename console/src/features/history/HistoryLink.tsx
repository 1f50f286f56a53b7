import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import { historyAddress, type Selection } from "./selection";

interface HistoryLinkProps {
  workspace: string;
  selection: Selection;
  children: React.ReactNode;
}

/** Leads to the operations that match. */
export function HistoryLink({ workspace, selection, children }: HistoryLinkProps) {
  return (
    <Anchor size="xs" component={Link} to={historyAddress(workspace, selection)}>
      {children}
    </Anchor>
  );
}
