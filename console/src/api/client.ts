/** The one client of the API. Its calls and types are generated from the OpenAPI document. */
import createClient from "openapi-fetch";
import { API_ADDRESS } from "../app/place";
import { ApiError, isProblem, unreachable } from "./errors";
import type { paths } from "./schema";

const listeners = new Set<() => void>();

export const api = createClient<paths>({ baseUrl: API_ADDRESS, fetch: reachable });

api.use({
  onResponse({ request, response }) {
    // a refused password is a 401 too, and ends nothing
    const isSignIn = request.method !== "GET" && new URL(request.url).pathname.includes("/session");
    if (response.status === 401 && !isSignIn) for (const listener of listeners) listener();
  },
});

/** Calls the listener whenever a request is refused because nobody is signed in. Returns how to stop it. */
export function onSignedOut(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function reachable(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    throw request.signal.aborted ? error : unreachable();
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of a response. Throws ApiError if the request was refused. */
export async function answered<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) {
    const wait = Number(response.headers.get("Retry-After"));
    throw new ApiError(response.status, isProblem(error) ? error : undefined, wait > 0 ? wait : undefined);
  }
  return data as T;
}
