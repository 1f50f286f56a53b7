import { Anchor, Text } from "@mantine/core";
import { Link } from "react-router";
import { useMayManage } from "../definitions/rights";

/** How the history of a table is turned on, for whom may do it. */
export function HistoryOff({ workspace, table }: { workspace: string; table: string }) {
  const mayManage = useMayManage(workspace, "tables", table) === true;
  return (
    <Text size="sm">
      {table} has no history: its changes are not recorded.{" "}
      {mayManage ? (
        <>
          To record them from now on, turn on <b>History</b> in its{" "}
          <Anchor size="sm" component={Link} underline="always" to={`/w/${workspace}/define/tables/${table}`}>
            definition
          </Anchor>
          .
        </>
      ) : (
        "Ask a manager to turn it on in its definition."
      )}
    </Text>
  );
}
