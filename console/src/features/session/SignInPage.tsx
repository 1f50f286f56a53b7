import { Anchor, PasswordInput, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Navigate, useLocation, useSearchParams } from "react-router";
import { answered, api } from "../../api/client";
import { CredentialsForm } from "./CredentialsForm";
import { failureOf, methodsQuery, openIdAddress } from "./methods";
import { safeNext } from "./next";
import { useSession } from "./session";

export function SignInPage() {
  const { session } = useSession();
  const [parameters] = useSearchParams();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const methods = useQuery(methodsQuery());
  const { hash } = useLocation();
  const next = safeNext(parameters.get("next"));
  if (session) return <Navigate to={next} replace />;
  return (
    <CredentialsForm
      title="Sign in to Rowkeep"
      action="Sign in"
      next={next}
      failure={failureOf(hash)}
      submit={() => answered(api.POST("/api/v1/session", { body: { email, password } }))}
      text={
        methods.data?.firstUser === true
          ? "There is no user yet. Open the link that “rowkeep serve” has given out at its first start, or run “rowkeep user create”."
          : undefined
      }
    >
      <TextInput
        label="E-mail address"
        type="email"
        autoComplete="username"
        required
        autoFocus
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <PasswordInput
        label="Password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {methods.data?.openId === true && (
        <Text size="sm" ta="center">
          <Anchor href={openIdAddress(next)}>Sign in with your organisation</Anchor>
        </Text>
      )}
    </CredentialsForm>
  );
}
