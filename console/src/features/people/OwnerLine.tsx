import { Button, Checkbox, Group, List, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import type { Source } from "../grid/rowQueries";
import { useSession } from "../session/session";
import { ErrorNote } from "./ErrorNote";
import { type NewOwner, setOwner } from "./shares";

interface OwnerLineProps {
  source: Source;
  owner: NewOwner["owner"] | null;
  /** Called when somebody else owns it. */
  onGiven: () => void;
}

/** The owner, and for whoever may do it a form that gives the table or view to somebody else. */
export function OwnerLine({ source, owner, onGiven }: OwnerLineProps) {
  const { session } = useSession();
  const [isOpen, setOpen] = useState<boolean>(); // false: it was open, and has had the focus
  const isManager =
    session?.admin === true ||
    session?.workspaces.some(({ name, role }) => name === source.workspace && role === "manager") === true;
  return (
    <>
      <Group gap="xs">
        <Text size="sm">Owner: {owner === null ? "nobody" : `${owner.name} (${owner.email})`}</Text>
        {(isManager || owner?.user === session?.id) && isOpen !== true && (
          <Button
            size="compact-xs"
            variant="default"
            autoFocus={isOpen === false}
            onClick={() => setOpen(true)}
          >
            Change owner
          </Button>
        )}
      </Group>
      {isOpen === true && (
        <OwnerForm source={source} staysHere={isManager} onCancel={() => setOpen(false)} onGiven={onGiven} />
      )}
    </>
  );
}

interface OwnerFormProps extends Pick<OwnerLineProps, "source" | "onGiven"> {
  /** Whether the user still sees the table or view afterwards. */
  staysHere: boolean;
  onCancel: () => void;
}

/** First the address of the new owner, then all that changes its owner, and only then it is done. */
function OwnerForm({ source, staysHere, onCancel, onGiven }: OwnerFormProps) {
  const [email, setEmail] = useState("");
  const [withOthers, setWithOthers] = useState(true);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const preview = useMutation({
    mutationFn: () => setOwner(source, { user: email, along: true }, true),
  });
  const give = useMutation({
    mutationFn: (user: string) => setOwner(source, { user, along: withOthers }, false),
    onSuccess: async ({ owner }) => {
      notifications.show({ message: `${source.name} belongs to ${owner.name} now.` });
      onGiven();
      if (!staysHere) await navigate(`/w/${source.workspace}/tables`);
      await queries.invalidateQueries();
    },
  });
  const found = preview.data;
  return (
    <form
      aria-label="New owner"
      onSubmit={(event) => {
        event.preventDefault();
        if (found === undefined) preview.mutate();
        else give.mutate(found.owner.user);
      }}
    >
      <Stack gap="xs">
        <ErrorNote error={preview.error ?? give.error} />
        {found === undefined ? (
          <TextInput
            size="xs"
            label="E-mail address of the new owner"
            required
            data-autofocus
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
        ) : (
          <NewOwnerPreview
            found={found}
            name={source.name}
            withOthers={withOthers}
            onWithOthers={setWithOthers}
            losesAccess={!staysHere}
          />
        )}
        <Group gap="xs">
          {/* by key: the second step is another button, so that two quick clicks are not one decision */}
          {found === undefined ? (
            <Button key="preview" size="xs" type="submit" loading={preview.isPending}>
              Continue
            </Button>
          ) : (
            <Button key="give" size="xs" type="submit" loading={give.isPending}>
              Make {found.owner.name} the owner
            </Button>
          )}
          <Button size="xs" variant="subtle" onClick={onCancel}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface NewOwnerPreviewProps {
  found: NewOwner;
  name: string;
  withOthers: boolean;
  onWithOthers: (withOthers: boolean) => void;
  losesAccess: boolean;
}

function NewOwnerPreview({ found, name, withOthers, onWithOthers, losesAccess }: NewOwnerPreviewProps) {
  const others = found.changed.filter((each) => each.name !== name);
  return (
    <Stack gap="xs" role="status">
      <Text size="sm">
        {name} will belong to {found.owner.name} ({found.owner.email}).
        {losesAccess && " You will then only have the rights that your role or a share gives you."}
      </Text>
      {others.length > 0 && (
        <>
          <Checkbox
            size="xs"
            label="Give these along, which belong to it"
            checked={withOthers}
            onChange={(event) => onWithOthers(event.currentTarget.checked)}
          />
          <List size="sm">
            {others.map((each) => (
              <List.Item key={each.name}>
                {each.name} ({each.kind})
              </List.Item>
            ))}
          </List>
        </>
      )}
    </Stack>
  );
}
