/** What the form of an app has, and the requests that it becomes. */
import type { Algorithm, App, AppPatch, NewApp } from "./queries";

export const ALGORITHMS: readonly { value: Algorithm; label: string }[] = [
  { value: "HS256", label: "HS256: a shared secret" },
  { value: "HS512", label: "HS512: a longer shared secret" },
  { value: "RS256", label: "RS256: a key pair" },
  { value: "RS512", label: "RS512: a key pair" },
];

export function algorithmOf(text: string): Algorithm {
  return ALGORITHMS.find(({ value }) => value === text)?.value ?? "HS256";
}

export function hasKeyPair(algorithm: Algorithm): boolean {
  return algorithm.startsWith("RS");
}

/** The settings of an app. An empty text means no limit. */
export interface Limits {
  name: string;
  maxAffected: string;
  allowAll: boolean;
  rateLimit: string;
  requireJti: boolean;
  audience: string;
  requireJwe: boolean;
}

export const NO_LIMITS: Limits = {
  name: "",
  maxAffected: "",
  allowAll: true,
  rateLimit: "",
  requireJti: false,
  audience: "",
  requireJwe: false,
};

export interface NewAppDraft extends Limits {
  algorithm: Algorithm;
  publicKey: string;
  /** Whether the app has credentials of another system. */
  isBrought: boolean;
  clientId: string;
  clientSecret: string;
}

export const NEW_APP: NewAppDraft = {
  ...NO_LIMITS,
  algorithm: "HS256",
  publicKey: "",
  isBrought: false,
  clientId: "",
  clientSecret: "",
};

export function limitsOf(app: App): Limits {
  return {
    name: app.name,
    maxAffected: app.maxAffected === null ? "" : String(app.maxAffected),
    allowAll: app.allowAll,
    rateLimit: app.rateLimit ?? "",
    requireJti: app.requireJti,
    audience: app.audience ?? "",
    requireJwe: app.requireJwe,
  };
}

function bodyOf(limits: Limits) {
  return {
    name: limits.name.trim(),
    maxAffected: limits.maxAffected === "" ? null : Number(limits.maxAffected),
    allowAll: limits.allowAll,
    rateLimit: limits.rateLimit.trim() || null,
    requireJti: limits.requireJti,
    audience: limits.audience.trim() || null,
    requireJwe: limits.requireJwe,
  };
}

export function newAppOf(draft: NewAppDraft): NewApp {
  const { algorithm, publicKey, isBrought, clientId, clientSecret } = draft;
  const body = { ...bodyOf(draft), algorithm };
  if (hasKeyPair(algorithm)) return { ...body, publicKey };
  return isBrought ? { ...body, clientId: clientId.trim(), clientSecret } : body;
}

/** Only what differs: somebody else may change the rest at the same time. */
export function patchOf(app: App, limits: Limits): AppPatch {
  const before: Record<string, unknown> = bodyOf(limitsOf(app));
  return Object.fromEntries(Object.entries(bodyOf(limits)).filter(([key, value]) => value !== before[key]));
}
