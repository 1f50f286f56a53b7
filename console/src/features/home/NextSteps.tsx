import { Anchor, List, Title } from "@mantine/core";
import { Link } from "react-router";
import { API_ADDRESS } from "../../app/place";
import { useSession } from "../session/session";

/** What the user may do next. */
export function NextSteps({ workspace }: { workspace: string }) {
  const { session } = useSession();
  const role = session?.workspaces.find(({ name }) => name === workspace)?.role;
  const isManager = session?.admin === true || role === "manager";
  const steps = [
    ...(isManager
      ? [
          { to: "tables", label: "Create a table, or import a file" },
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
