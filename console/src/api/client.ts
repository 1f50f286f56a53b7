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

/** How long to wait before a request is sent again that had no response. */
const WAITS_MS = [300, 700, 1500, 3000, 5000, 5000];

/** Sends a request again until the server responds, for some 15 seconds. A write needs an Idempotency-Key, so that it
 * is done once, also if only its response was lost. */
export async function untilAnswered<T>(send: () => Promise<T>): Promise<T> {
  for (const wait of WAITS_MS) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isTemporary) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.max(wait, (error.retryAfter ?? 0) * 1000)));
    }
  }
  return send();
}

/** A new Idempotency-Key. On plain http, browsers have no crypto.randomUUID. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
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
