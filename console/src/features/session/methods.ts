/** How people can sign in. */
import { queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { API_ADDRESS } from "../../app/place";

export const methodsQuery = () =>
  queryOptions({
    queryKey: ["session methods"],
    queryFn: ({ signal }) => answered(api.GET("/api/v1/session/methods", { signal })),
  });

/** Where a sign-in at the provider of the settings starts; it ends at this page of the console. */
export function openIdAddress(next: string): string {
  return `${API_ADDRESS}/api/v1/session/openid${next === "/" ? "" : `?next=${encodeURIComponent(next)}`}`;
}

const FAILURES = new Map(
  Object.entries({
    provider_unavailable:
      "The sign-in service of your organisation does not respond. Try again in a moment, or sign in with a password.",
    provider_refused: "The sign-in was cancelled, or your organisation does not allow it.",
    sign_in_expired: "The sign-in took too long, or it was started in another browser. Try again.",
    no_such_user:
      "Nobody here has your e-mail address, or it is not verified. Ask an administrator to add you.",
    user_disabled: "Your user is disabled. Ask an administrator.",
  }),
);

/** Why a sign-in at the provider has failed, by the fragment of the page that it came back to. */
export function failureOf(hash: string): string | undefined {
  const code = new URLSearchParams(hash.slice(1)).get("error");
  if (code === null) return undefined;
  return FAILURES.get(code) ?? "The sign-in has failed. Try again; if it fails again, ask an administrator.";
}
