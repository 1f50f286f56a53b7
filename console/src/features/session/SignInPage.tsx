import { Anchor, PasswordInput, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Navigate, useSearchParams } from "react-router";
import { answered, api } from "../../api/client";
import { API_ADDRESS } from "../../app/place";
import { CredentialsForm } from "./CredentialsForm";
import { safeNext } from "./next";
import { useSession } from "./session";

export function SignInPage() {
  const { session } = useSession();
  const [parameters] = useSearchParams();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const methods = useQuery({
    queryKey: ["session methods"],
    queryFn: ({ signal }) => answered(api.GET("/api/v1/session/methods", { signal })),
  });
  const next = safeNext(parameters.get("next"));
  if (session) return <Navigate to={next} replace />;
  return (
    <CredentialsForm
      title="Sign in to Rowkeep"
      action="Sign in"
      next={next}
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
          <Anchor href={`${API_ADDRESS}/api/v1/session/openid`}>Sign in with your organisation</Anchor>
        </Text>
      )}
    </CredentialsForm>
  );
}
