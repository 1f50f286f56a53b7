/** What the form of a webhook has, and what of it is sent. */
import type { ApiError } from "../../api/errors";
import type { Delivery, Kind, NewWebhook, Webhook, WebhookPatch } from "./queries";

export const KINDS: readonly Kind[] = ["insert", "update", "delete"];
export const STATES: readonly Delivery["state"][] = ["pending", "delivered", "failed"];

/** The maximum number of tables of a webhook. */
export const MOST_TABLES = 100;

const OVERLAP_MS = 24 * 3600 * 1000;

export interface HookDraft {
  url: string;
  tables: readonly string[];
  kinds: readonly Kind[];
}

export const NEW_HOOK: HookDraft = { url: "", tables: [], kinds: KINDS };

export function draftOf({ url, tables, kinds }: Webhook): HookDraft {
  return { url, tables, kinds };
}

export function bodyOf({ url, tables, kinds }: HookDraft): NewWebhook {
  return { url: url.trim(), tables: [...tables], kinds: [...kinds] };
}

/** Only what differs: what somebody else has changed meanwhile stays. */
export function patchOf(webhook: Webhook, draft: HookDraft): Partial<WebhookPatch> {
  const { url, tables, kinds } = bodyOf(draft);
  return {
    ...(url === webhook.url ? {} : { url }),
    ...(isSame(tables, webhook.tables) ? {} : { tables }),
    ...(isSame(kinds ?? [], webhook.kinds) ? {} : { kinds }),
  };
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each) => others.includes(each));
}

/** A list with a name, or without it. */
export function withName<T>(names: readonly T[], name: T, isIn: boolean): T[] {
  const others = names.filter((each) => each !== name);
  return isIn ? [...others, name] : others;
}

export type FieldErrors = Partial<Record<keyof HookDraft, string>>;

/** The messages of a refused request by field, and the error itself if it is about none of them. */
export function errorsOf(error: ApiError | Error | null): { fields: FieldErrors; other: Error | null } {
  const fields: FieldErrors = {};
  if (error === null) return { fields, other: null };
  const problems = "problem" in error ? (error.problem?.errors ?? []) : [];
  for (const { msg, pointer } of problems) {
    const name = pointer?.match(/^\/(url|tables|kinds)(?:\/|$)/)?.[1];
    if (name !== undefined) fields[name as keyof HookDraft] ??= msg;
  }
  return { fields, other: Object.keys(fields).length > 0 ? null : error };
}

/** Whether a webhook sends messages; if not, why. */
export function stateOf({ enabled, pausedOn, pausedReason }: Webhook): {
  isSending: boolean;
  reason: string;
} {
  if (pausedOn !== null) return { isSending: false, reason: pausedReason ?? "The server paused it." };
  return { isSending: enabled, reason: enabled ? "" : "It was paused by a user." };
}

/** How the last attempt of a message ended. */
export function outcomeOf({ status, error, durationMs }: Delivery): string {
  const answer = [status === null ? "" : `status ${status}`, error ?? ""].filter(Boolean).join(": ");
  if (answer === "") return "";
  return durationMs === null ? answer : `${answer} (${durationMs.toLocaleString()} ms)`;
}

/** Until when the former secret is valid after a rotation. */
export function formerUntil(rotatedMs: number): string {
  return new Date(rotatedMs + OVERLAP_MS).toISOString();
}
