import { Button, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { ApiError } from "../../api/errors";
import { LinkNote, linkOf, type NewLink, UnknownUser } from "./NewUser";

interface AddByEmailProps<T extends string> {
  /** The name of the list of choices: a right or a role. */
  label: string;
  choices: readonly { value: T; label: string }[];
  first: T;
  button: ReactNode;
  isBusy: boolean;
  takesFocus?: boolean;
  /** The user is an e-mail address or an id. Its error is shown elsewhere. */
  onAdd: (user: string, choice: T) => Promise<unknown>;
}

/** Gives somebody a right or a role, by e-mail address. If nobody has the address, a user can be added. */
export function AddByEmail<T extends string>(props: AddByEmailProps<T>) {
  const { label, choices, first, button, isBusy, takesFocus = false, onAdd } = props;
  const [email, setEmail] = useState("");
  const [choice, setChoice] = useState<T>(first);
  const [unknown, setUnknown] = useState<string>();
  const [link, setLink] = useState<NewLink | null>(null);

  async function add(user: string): Promise<void> {
    setUnknown(undefined);
    try {
      await onAdd(user, choice);
      setEmail("");
    } catch (error) {
      if (error instanceof ApiError && error.code === "no_such_user") setUnknown(user);
    }
  }

  return (
    <Stack gap="sm" mb="md">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setLink(null);
          void add(email.trim());
        }}
      >
        <Group align="flex-end">
          <TextInput
            size="xs"
            label="E-mail address of a user"
            required
            data-autofocus={takesFocus || undefined}
            value={email}
            onChange={(event) => {
              setEmail(event.currentTarget.value);
              setUnknown(undefined);
            }}
          />
          <NativeSelect
            size="xs"
            label={label}
            data={choices}
            value={choice}
            onChange={(event) => {
              const { value } = event.currentTarget;
              setChoice(choices.find((each) => each.value === value)?.value ?? first);
            }}
          />
          <Button size="xs" type="submit" loading={isBusy}>
            {button}
          </Button>
        </Group>
      </form>
      {unknown?.includes("@") === true && (
        <UnknownUser
          email={unknown}
          onAdded={(user) => {
            setLink(linkOf(user));
            void add(user.email);
          }}
        />
      )}
      {link !== null && <LinkNote {...link} onClose={() => setLink(null)} />}
    </Stack>
  );
}
