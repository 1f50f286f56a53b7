/** The one client of the API. Its calls and types are generated from the OpenAPI document. */
import createClient from "openapi-fetch";
import { API_ADDRESS } from "../app/place";
import { ApiError, isProblem, unreachable } from "./errors";
import type { paths } from "./schema";

export const api = createClient<paths>({ baseUrl: API_ADDRESS, fetch: reachable });

/** What happens to the session: it has ended, it was started again, or a right is missing now. */
type Happening = "ended" | "started" | "forbidden";

const listeners: Record<Happening, Set<() => void>> = {
  ended: new Set(),
  started: new Set(),
  forbidden: new Set(),
};
let starts = 0;

/** Calls the listener whenever this happens. Returns how to stop it. */
export function onSession(happening: Happening, listener: () => void): () => void {
  listeners[happening].add(listener);
  return () => listeners[happening].delete(listener);
}

/** Says that somebody has signed in: what was refused before means nothing any more. */
export function sessionStarted(): void {
  starts += 1;
  for (const listener of listeners.started) listener();
}

async function reachable(request: Request): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    throw request.signal.aborted ? error : unreachable();
  }
  // not of the API: a network or a proxy has put a page of its own in the place of the response
  if (response.ok && response.headers.get("Content-Type")?.startsWith("text/html") === true)
    throw unreachable();
  return response;
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

/** Keys of writes that had no response, by what they are for. */
const unanswered = new WeakMap<object, { body: string; key: string }>();

/** Does a write once, also if its response is lost and the person tries again: the same body for the same object, such
 * as the form or the version of the row, is sent under the same Idempotency-Key. Refused writes are not stored there. */
export async function writtenOnce<T>(
  what: object,
  body: unknown,
  send: (key: string) => Promise<T>,
): Promise<T> {
  const text = JSON.stringify(body);
  const former = unanswered.get(what);
  const key = former?.body === text ? former.key : newKey();
  unanswered.set(what, { body: text, key });
  const answer = await untilAnswered(() => send(key));
  unanswered.delete(what);
  return answer;
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of a response. Throws ApiError if the request was refused; `mayBeForbidden` says that this is usual. */
export async function answered<T>(
  call: Promise<Answer<T>>,
  { mayBeForbidden = false }: { mayBeForbidden?: boolean } = {},
): Promise<T> {
  const refused = refusals(mayBeForbidden);
  const { data, error, response } = await call.catch(cut);
  if (response.ok) return data as T;
  throw refused(response.status, error, response.headers.get("Retry-After"));
}

/** The connection has ended within a response: browsers have different words for it. */
function cut(error: unknown): never {
  throw error instanceof TypeError || error instanceof SyntaxError ? unreachable() : error;
}

/** The response to a request for a file, which the client does not send. Throws what `answered` throws. */
export async function fetched(address: string, init: RequestInit): Promise<Response> {
  const refused = refusals();
  const response = await reachable(new Request(address, init));
  if (response.ok) return response;
  const problem: unknown = await response.json().catch(() => undefined);
  throw refused(response.status, problem, response.headers.get("Retry-After"));
}

/** Makes the error of a request that is sent now, if it is refused, and says what it means for the session: also
 * for requests that are not sent by the client. */
export function refusals(mayBeForbidden = false) {
  const before = starts;
  return (status: number, problem: unknown, retryAfter: string | null): ApiError => {
    const wait = Number(retryAfter);
    const refused = new ApiError(
      status,
      isProblem(problem) ? problem : undefined,
      wait > 0 ? wait : undefined,
    );
    if (before === starts) {
      if (refused.isSignedOut) for (const listener of listeners.ended) listener();
      if (refused.code === "forbidden" && !mayBeForbidden)
        for (const listener of listeners.forbidden) listener();
    }
    return refused;
  };
}
