/** Code that sends a request: curl, Python and Node.js. */
import { parseExact } from "../../api/exactJson";
import type { SigningApp } from "../apps/signing";
import type { DataRequest } from "./requests";

export type Language = "curl" | "python" | "node";

export const LANGUAGES: readonly { value: Language; label: string }[] = [
  { value: "curl", label: "curl" },
  { value: "python", label: "Python" },
  { value: "node", label: "Node.js" },
];

/** Where a token comes from: it is in the code, or the program signs it with a secret of its environment. */
export type Signing = "ready" | "own";

export interface Sample extends Omit<DataRequest, "body"> {
  /** The address of the server, without a slash at its end. */
  address: string;
  /** JSON. */
  body: string;
  app: SigningApp;
  token: string;
  signing: Signing;
}

export function codeOf(language: Language, sample: Sample): string {
  switch (language) {
    case "curl":
      return curl(sample);
    case "python":
      return python(sample);
    case "node":
      return node(sample);
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function curl({ address, method, path, body, token }: Sample): string {
  return `TOKEN=${quoted(token)}

curl -sS -X ${method} ${quoted(address + path)} \\
  -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d ${quoted(body)}
`;
}

/** What the program needs in its environment. */
export function variablesOf({ algorithm, requireJwe }: SigningApp): string[] {
  return [
    algorithm.startsWith("RS") ? "PRIVATE_KEY_FILE" : "CLIENT_SECRET",
    ...(requireJwe ? ["JWE_KEY"] : []),
  ];
}

/** Whether the Python code that signs needs the package joserfc: HMAC alone is in the standard library. */
export function needsLibrary({ algorithm, requireJwe }: SigningApp): boolean {
  return algorithm.startsWith("RS") || requireJwe;
}

function python(sample: Sample): string {
  const { address, method, path, body, token, app, signing } = sample;
  const own = signing === "own";
  const modules = own ? pythonModules(app) : ["json", "urllib.error", "urllib.request"];
  return `import ${modules.join("\nimport ")}
${own && needsLibrary(app) ? pythonLibrary(app) : ""}
${own ? pythonToken(app) : `TOKEN = ${JSON.stringify(token)}`}

BODY = ${pythonLiteral(body)}

request = urllib.request.Request(
    ${JSON.stringify(address + path)},
    data=json.dumps(BODY).encode(),
    headers={"auth": ${own ? "token()" : "TOKEN"}, "content-type": "application/json"},
    method=${JSON.stringify(method)},
)
try:
    with urllib.request.urlopen(request) as response:
        print(json.dumps(json.load(response), indent=2))
except urllib.error.HTTPError as error:
    raise SystemExit(f"{error.code}: {error.read().decode()}")
`;
}

function pythonModules(app: SigningApp): string[] {
  const standard = needsLibrary(app) ? [] : ["base64", "hashlib", "hmac"];
  return [
    ...standard,
    "json",
    "os",
    "time",
    "urllib.error",
    "urllib.request",
    ...(app.requireJti ? ["uuid"] : []),
  ];
}

function pythonLibrary({ algorithm, requireJwe }: SigningApp): string {
  const keys = [
    ...(algorithm.startsWith("RS") && !requireJwe ? [] : ["OctKey"]),
    ...(algorithm.startsWith("RS") ? ["RSAKey"] : []),
  ];
  return `
# pip install joserfc
from joserfc import ${requireJwe ? "jwe, jwt" : "jwt"}
from joserfc.jwk import ${keys.join(", ")}
`;
}

function pythonToken(app: SigningApp): string {
  const { algorithm, requireJwe } = app;
  const claims = `    claims = {
        "appId": ${JSON.stringify(app.clientId)},
        "exp": int(time.time()) + 60,${app.requireJti ? '\n        "jti": str(uuid.uuid4()),' : ""}${
          app.audience === null ? "" : `\n        "aud": ${JSON.stringify(app.audience)},`
        }
    }`;
  if (!needsLibrary(app)) {
    return `
def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def token() -> str:
    """A new token for one request."""
${claims}
    header = {"alg": ${JSON.stringify(algorithm)}, "typ": "JWT"}
    content = ".".join(part(json.dumps(each).encode()) for each in (header, claims))
    secret = os.environ["CLIENT_SECRET"].encode()
    return f"{content}.{part(hmac.new(secret, content.encode(), hashlib.${hashOf(algorithm)}).digest())}"
`;
  }
  const key = algorithm.startsWith("RS")
    ? 'RSAKey.import_key(open(os.environ["PRIVATE_KEY_FILE"]).read())'
    : 'OctKey.import_key(os.environ["CLIENT_SECRET"])';
  const sign = `jwt.encode({"alg": ${JSON.stringify(algorithm)}, "typ": "JWT"}, claims, key, algorithms=[${JSON.stringify(algorithm)}])`;
  const encrypt = `    signed = ${sign}
    jwe_key = OctKey.import_key({"kty": "oct", "k": os.environ["JWE_KEY"]})
    header = {"alg": "dir", "enc": "A256GCM", "cty": "JWT", "kid": ${JSON.stringify(app.clientId)}}
    return jwe.encrypt_compact(header, signed, jwe_key)`;
  return `
def token() -> str:
    """A new token for one request."""
${claims}
    key = ${key}
${requireJwe ? encrypt : `    return ${sign}`}
`;
}

/** JSON as a literal of Python. */
export function pythonLiteral(json: string): string {
  let value: unknown;
  try {
    value = parseExact(json);
  } catch {
    return `json.loads(${JSON.stringify(json)})`;
  }
  return literal(value, "");
}

function literal(value: unknown, indent: string): string {
  const inner = `${indent}    `;
  if (Array.isArray(value)) {
    const items = value.map((each) => literal(each, inner));
    const short = `[${items.join(", ")}]`;
    return short.length < 70 && !short.includes("\n")
      ? short
      : `[\n${items.map((each) => `${inner}${each},\n`).join("")}${indent}]`;
  }
  const text = JSON.stringify(value);
  // a large integer is an object of its own, whose JSON is the number
  if (typeof value === "object" && value !== null && text.startsWith("{")) {
    const entries = Object.entries(value);
    if (entries.length === 0) return "{}";
    const lines = entries.map(([key, each]) => `${inner}${JSON.stringify(key)}: ${literal(each, inner)},\n`);
    return `{\n${lines.join("")}${indent}}`;
  }
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return text;
}

function hashOf(algorithm: SigningApp["algorithm"]): string {
  return algorithm.endsWith("512") ? "sha512" : "sha256";
}

function node(sample: Sample): string {
  const { address, method, path, body, token, app, signing } = sample;
  const own = signing === "own";
  return `${own ? nodeToken(app) : `const TOKEN = ${JSON.stringify(token)};`}

const response = await fetch(${JSON.stringify(address + path)}, {
  method: ${JSON.stringify(method)},
  headers: { auth: ${own ? "token()" : "TOKEN"}, "content-type": "application/json" },
  body: JSON.stringify(${body.replaceAll("\n", "\n  ")}),
});
const answer = await response.text();
if (!response.ok) throw new Error(\`\${response.status}: \${answer}\`);
console.log(JSON.stringify(JSON.parse(answer), null, 2));
`;
}

function nodeToken(app: SigningApp): string {
  const { algorithm, requireJwe, requireJti } = app;
  const isPair = algorithm.startsWith("RS");
  const names = [
    ...(requireJwe ? ["createCipheriv"] : []),
    ...(isPair ? [] : ["createHmac"]),
    ...(isPair ? ["createSign"] : []),
    ...(requireJwe ? ["randomBytes"] : []),
    ...(requireJti ? ["randomUUID"] : []),
  ];
  const sign = isPair
    ? `createSign("${hashOf(algorithm)}").update(content).sign(readFileSync(process.env.PRIVATE_KEY_FILE), "base64url")`
    : `createHmac("${hashOf(algorithm)}", process.env.CLIENT_SECRET).update(content).digest("base64url")`;
  return `import { ${names.join(", ")} } from "node:crypto";
${isPair ? 'import { readFileSync } from "node:fs";\n' : ""}
const part = (content) => Buffer.from(content).toString("base64url");

/** A new token for one request. */
function token() {
  const claims = {
    appId: ${JSON.stringify(app.clientId)},
    exp: Math.floor(Date.now() / 1000) + 60,${requireJti ? "\n    jti: randomUUID()," : ""}${
      app.audience === null ? "" : `\n    aud: ${JSON.stringify(app.audience)},`
    }
  };
  const content = \`\${part('{"alg":"${algorithm}","typ":"JWT"}')}.\${part(JSON.stringify(claims))}\`;
  const signature = ${sign};
${requireJwe ? nodeEncryption(app) : "  return `${content}.${signature}`;"}
}`;
}

function nodeEncryption({ clientId }: SigningApp): string {
  const header = JSON.stringify({ alg: "dir", enc: "A256GCM", cty: "JWT", kid: clientId });
  return `  const header = part(${quoted(header)});
  const iv = randomBytes(12);
  const key = Buffer.from(process.env.JWE_KEY, "base64url");
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(header));
  const encrypted = Buffer.concat([cipher.update(\`\${content}.\${signature}\`), cipher.final()]);
  return [header, "", part(iv), part(encrypted), part(cipher.getAuthTag())].join(".");`;
}
