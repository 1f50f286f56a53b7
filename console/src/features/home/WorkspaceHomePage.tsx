import { Container, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useParams } from "react-router";
import { useSession } from "../session/session";
import { ActivityPanel } from "./ActivityPanel";
import { NextSteps } from "./NextSteps";
import { OwnCharts } from "./OwnCharts";
import { OwnTables } from "./OwnTables";

/** What somebody sees first: what needs attention, for administrators, and the tables and views. */
export function WorkspaceHomePage() {
  const { workspace = "main" } = useParams();
  const { session } = useSession();
  useDocumentTitle("Home – Rowkeep");
  return (
    <Container fluid p="md" w="100%">
      <Title order={1} size="h2" mb="md">
        {workspace}
      </Title>
      {session?.admin === true && <ActivityPanel />}
      <OwnTables key={workspace} workspace={workspace} />
      <OwnCharts key={`charts of ${workspace}`} workspace={workspace} />
      <NextSteps workspace={workspace} />
    </Container>
  );
}
