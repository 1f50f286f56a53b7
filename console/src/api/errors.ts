/** Errors of the API, as the console shows them. */
import type { components } from "./schema";

type Problem = components["schemas"]["ProblemDetails"];

const NO_RESPONSE = "The server does not respond. Check the connection, then try again.";

const STATUS_TEXTS: Record<number, string> = {
  0: NO_RESPONSE,
  401: "You are signed out. Sign in again.",
  413: "The request is too large.",
  429: "Too many requests. Try again in a moment.",
  502: NO_RESPONSE,
  503: "The server is too busy. Try again in a moment.",
  504: NO_RESPONSE,
};

/** No response, also to a proxy, or too busy. A proxy that has waited in vain (504) would wait as long again. */
const TEMPORARY = new Set([0, 502, 503]);

const SIGNED_OUT = "unauthenticated";

const MISSING = " It may have been renamed or deleted.";
const HINTS: Record<string, string> = { no_such_table: MISSING, no_such_view: MISSING };

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;

  constructor(
    readonly status: number,
    readonly problem: Problem | undefined,
    readonly retryAfter?: number,
  ) {
    super(textOf(status, problem));
    this.code = problem?.code ?? "unknown";
  }

  /** Whether the request was refused because nobody is signed in; a wrong password is another error. */
  get isSignedOut(): boolean {
    return this.code === SIGNED_OUT;
  }

  /** Whether the same request can succeed later without a change. */
  get isTemporary(): boolean {
    return TEMPORARY.has(this.status) || this.code === "idempotency_in_progress";
  }
}

/** What to add to what the server says in an error with this code. */
export function hintOf(code: string): string {
  return HINTS[code] ?? "";
}

function textOf(status: number, problem: Problem | undefined): string {
  if (problem === undefined || problem.code === SIGNED_OUT)
    return STATUS_TEXTS[status] ?? `The server responded with status ${status}.`;
  return problem.detail + hintOf(problem.code);
}

export function unreachable(): ApiError {
  return new ApiError(0, undefined);
}

export function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "detail" in value && "code" in value;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
