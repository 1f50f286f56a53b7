import { Anchor, PasswordInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";
import { answered, api } from "../../api/client";
import { CredentialsForm } from "./CredentialsForm";
import { useLinkToken } from "./linkToken";

/** The first start: creates the first administrator. */
export function FirstUserPage() {
  const token = useLinkToken();
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  return (
    <CredentialsForm
      title="Welcome to Rowkeep"
      text={token === "" ? <NoToken /> : "Create the first administrator. You are signed in afterwards."}
      action="Create administrator"
      next="/"
      submit={() => answered(api.POST("/api/v1/session/first", { body: { token, email, name, password } }))}
    >
      <TextInput
        label="Name"
        autoComplete="name"
        required
        autoFocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label="E-mail address"
        type="email"
        autoComplete="username"
        required
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <NewPassword value={password} onChange={setPassword} />
    </CredentialsForm>
  );
}

/** Sets a password, by the link for a new user or for one who has forgotten it. */
export function ResetPage() {
  const token = useLinkToken();
  const [password, setPassword] = useState("");
  return (
    <CredentialsForm
      title="Set your password"
      text={token === "" ? <NoToken /> : undefined}
      action="Set password"
      next="/"
      submit={() => answered(api.POST("/api/v1/session/reset", { body: { token, password } }))}
    >
      <NewPassword value={password} onChange={setPassword} autoFocus />
    </CredentialsForm>
  );
}

/** Signs in by a one-time link. A click is needed, so that a preview of the link does not use it up. */
export function LinkPage() {
  const token = useLinkToken();
  return (
    <CredentialsForm
      title="Sign in to Rowkeep"
      text={token === "" ? <NoToken /> : "This link signs you in once."}
      action="Sign in"
      next="/"
      submit={() => answered(api.POST("/api/v1/session/link", { body: { token } }))}
    >
      {null}
    </CredentialsForm>
  );
}

function NoToken() {
  return (
    <>
      This address has no secret part: open the whole link, or{" "}
      <Anchor component={Link} to="/sign-in">
        sign in with your password
      </Anchor>
      .
    </>
  );
}

interface NewPasswordProps {
  value: string;
  onChange: (value: string) => void;
  autoFocus?: boolean;
}

function NewPassword({ value, onChange, autoFocus = false }: NewPasswordProps) {
  return (
    <PasswordInput
      label="New password"
      autoComplete="new-password"
      required
      autoFocus={autoFocus}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
