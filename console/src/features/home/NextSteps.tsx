import { Anchor, List, Title } from "@mantine/core";
import { Link } from "react-router";
import { API_ADDRESS } from "../../app/place";
import { useIsManager } from "../session/useIsManager";
import { useSession } from "../session/session";

/** What the user may do next. */
export function NextSteps({ workspace }: { workspace: string }) {
  const { session } = useSession();
  const isManager = useIsManager(workspace);
  const steps = [
    ...(isManager
      ? [
          { to: "define/tables", label: "Define a table" },
          { to: "import", label: "Make a table of a file, or add its rows to one" },
          { to: "members", label: "Let others read or edit here" },
        ]
      : []),
    ...(session?.admin === true ? [{ to: "users", label: "Add somebody to the console" }] : []),
    { to: "account", label: "Change your name or password" },
  ];
  return (
    <section aria-labelledby="next">
      <Title order={2} size="h4" mt="lg" mb="xs" id="next">
        What you can do next
      </Title>
      <List size="sm" spacing={4}>
        {steps.map(({ to, label }) => (
          <List.Item key={to}>
            <Anchor component={Link} to={`/w/${workspace}/${to}`}>
              {label}
            </Anchor>
          </List.Item>
        ))}
        <List.Item>
          <Anchor href={`${API_ADDRESS}/docs`}>Read how programs use the data</Anchor>
        </List.Item>
      </List>
    </section>
  );
}
