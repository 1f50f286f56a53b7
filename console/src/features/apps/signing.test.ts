import { createDecipheriv, createHmac, createVerify, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { claimsOf, type SigningApp, signToken } from "./signing";

const APP: SigningApp = {
  clientId: "cs-9b510c8b-41ad-42b4-8d6a-849ecf150429",
  algorithm: "HS256",
  requireJti: false,
  audience: null,
  requireJwe: false,
};
const SECRET = "AE2t2ZQI5aaFCIq6xo8RREaU6dui_5INk52HAJTQTlg";
const NOW = Date.UTC(2026, 0, 2);

const json = (part: string | undefined) =>
  JSON.parse(Buffer.from(part ?? "", "base64url").toString()) as Record<string, unknown>;

test.each([
  ["HS256", "sha256"],
  ["HS512", "sha512"],
] as const)("a token with %s is signed with the characters of the secret", async (algorithm, hash) => {
  const token = await signToken({ ...APP, algorithm }, { secret: SECRET, jweKey: "" }, NOW);
  const [header, claims, signature] = token.split(".");
  expect(json(header)).toEqual({ alg: algorithm, typ: "JWT" });
  expect(json(claims)).toEqual({ appId: APP.clientId, exp: NOW / 1000 + 900 });
  expect(signature).toBe(createHmac(hash, SECRET).update(`${header}.${claims}`).digest("base64url"));
});

test.each(["RS256", "RS512"] as const)(
  "a token with %s is signed with the private key",
  async (algorithm) => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const secret = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const token = await signToken({ ...APP, algorithm }, { secret, jweKey: "" }, NOW);
    const [header, claims, signature] = token.split(".");
    const verify = createVerify(algorithm === "RS256" ? "sha256" : "sha512").update(`${header}.${claims}`);
    expect(verify.verify(publicKey, signature ?? "", "base64url")).toBe(true);
    const others: [string, RegExp][] = [
      [privateKey.export({ type: "pkcs1", format: "pem" }).toString(), /openssl pkcs8/],
      [publicKey.export({ type: "spki", format: "pem" }).toString(), /public key/],
      ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", /cannot be read/],
      [SECRET, /in PEM/],
    ];
    for (const [wrong, message] of others) {
      await expect(signToken({ ...APP, algorithm }, { secret: wrong, jweKey: "" })).rejects.toThrow(message);
    }
  },
);

test("an encrypted token has the signed one inside", async () => {
  const jweKey = "Zk5a0VwqcyN2h4v1dT8m6bJx9uE3rQpLsGoYfA7iKtM";
  const token = await signToken({ ...APP, requireJwe: true }, { secret: SECRET, jweKey }, NOW);
  const [header = "", key, iv = "", content = "", tag = ""] = token.split(".");
  expect(json(header)).toEqual({ alg: "dir", enc: "A256GCM", cty: "JWT", kid: APP.clientId });
  expect(key).toBe("");
  const decipher = createDecipheriv(
    "aes-256-gcm",
    Buffer.from(jweKey, "base64url"),
    Buffer.from(iv, "base64url"),
  )
    .setAAD(Buffer.from(header))
    .setAuthTag(Buffer.from(tag, "base64url"));
  const signed = decipher.update(content, "base64url", "utf8") + decipher.final("utf8");
  expect(signed).toBe(await signToken(APP, { secret: SECRET, jweKey: "" }, NOW));
  for (const wrong of ["", "short", `${jweKey}A`, "a b"]) {
    const app = { ...APP, requireJwe: true };
    await expect(signToken(app, { secret: SECRET, jweKey: wrong })).rejects.toThrow("base64url of 32 bytes");
  }
});

test("an app that requires more gets it in its claims", async () => {
  const app = { ...APP, requireJti: true, audience: "rows" };
  expect(claimsOf(app, NOW, "one")).toEqual({
    appId: APP.clientId,
    exp: NOW / 1000 + 900,
    jti: "one",
    aud: "rows",
  });
  const [first, second] = await Promise.all(
    [1, 2].map(() => signToken(app, { secret: SECRET, jweKey: "" }, NOW)),
  );
  expect(first).not.toBe(second);
  await expect(signToken(APP, { secret: "", jweKey: "" })).rejects.toThrow("Enter the secret");
});
