/** Signs tokens in the browser. The secret never leaves the page: only the token is sent. */
import type { App } from "./queries";

/** What the tokens of an app need. */
export type SigningApp = Pick<App, "clientId" | "algorithm" | "requireJti" | "audience" | "requireJwe">;

/** A secret, or a private key in PEM; and the JWE key of an app whose tokens are encrypted. */
export interface Credentials {
  secret: string;
  jweKey: string;
}

/** How long a token is valid. One for a single request is needed at once. */
export const TOKEN_SECONDS = 900;

export class SigningError extends Error {
  override readonly name = "SigningError";
}

/** Browsers sign only on pages of https, and of this machine. */
export function canSign(): boolean {
  return "subtle" in crypto;
}

/** The claims of a token. `now` is in milliseconds. */
export function claimsOf(app: SigningApp, now: number, id: string): Record<string, string | number> {
  return {
    appId: app.clientId,
    exp: Math.floor(now / 1000) + TOKEN_SECONDS,
    ...(app.requireJti ? { jti: id } : {}),
    ...(app.audience === null ? {} : { aud: app.audience }),
  };
}

/** A new token of an app. Throws SigningError for credentials that cannot be used. */
export async function signToken(
  app: SigningApp,
  { secret, jweKey }: Credentials,
  now = Date.now(),
): Promise<string> {
  const header = { alg: app.algorithm, typ: "JWT" };
  const content = `${jsonPart(header)}.${jsonPart(claimsOf(app, now, newId()))}`;
  const key = await signingKey(app.algorithm, secret);
  const signature = await crypto.subtle.sign(key.algorithm.name, key, utf8(content));
  const signed = `${content}.${part(new Uint8Array(signature))}`;
  return app.requireJwe ? encrypted(signed, app.clientId, jweKey) : signed;
}

const JWE_KEY = /^[A-Za-z0-9_-]{43}$/;

/** The text of the signed token inside a JWE, with the key itself as the key of the content. */
async function encrypted(signed: string, clientId: string, jweKey: string): Promise<string> {
  const header = jsonPart({ alg: "dir", enc: "A256GCM", cty: "JWT", kid: clientId });
  if (!JWE_KEY.test(jweKey.trim())) {
    throw new SigningError("The JWE key must be base64url of 32 bytes: 43 letters, digits, - and _.");
  }
  const bytes = base64Bytes(jweKey.trim().replaceAll("-", "+").replaceAll("_", "/"));
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(header) }, key, utf8(signed)),
  );
  const end = sealed.length - 16; // the tag is last
  return [header, "", part(iv), part(sealed.slice(0, end)), part(sealed.slice(end))].join(".");
}

async function signingKey(algorithm: App["algorithm"], secret: string): Promise<CryptoKey> {
  const hash = algorithm.endsWith("512") ? "SHA-512" : "SHA-256";
  if (!algorithm.startsWith("RS")) {
    if (secret === "") throw new SigningError("Enter the secret of the app.");
    return crypto.subtle.importKey("raw", utf8(secret), { name: "HMAC", hash }, false, ["sign"]);
  }
  try {
    return await crypto.subtle.importKey(
      "pkcs8",
      privateKeyBytes(secret),
      { name: "RSASSA-PKCS1-v1_5", hash },
      false,
      ["sign"],
    );
  } catch (error) {
    if (error instanceof SigningError) throw error;
    throw new SigningError("The private key cannot be read. Enter an RSA key in PEM, without a password.");
  }
}

const PKCS8 = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/;

function privateKeyBytes(pem: string): Uint8Array<ArrayBuffer> {
  const found = PKCS8.exec(pem)?.[1];
  if (found !== undefined) return base64Bytes(found.replace(/\s+/g, ""));
  if (pem.includes("PUBLIC KEY")) throw new SigningError("This is a public key. Enter the private key.");
  if (pem.includes("BEGIN RSA PRIVATE KEY")) {
    throw new SigningError(
      "This key is in PKCS#1. Convert it with: openssl pkcs8 -topk8 -nocrypt -in private.pem",
    );
  }
  throw new SigningError("Enter the private key in PEM: it begins with -----BEGIN PRIVATE KEY-----.");
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function jsonPart(value: object): string {
  return part(utf8(JSON.stringify(value)));
}

/** Bytes as base64url. */
function part(bytes: Uint8Array): string {
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function base64Bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
}

function newId(): string {
  return part(crypto.getRandomValues(new Uint8Array(16)));
}
