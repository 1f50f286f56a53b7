/** Sends a request of the Data API as an app does. */
import { unreachable } from "../../api/errors";
import { parseExact } from "../../api/exactJson";

export interface Reply {
  status: number;
  statusText: string;
  headers: [string, string][];
  body: string;
  milliseconds: number;
}

interface SentRequest {
  address: string;
  method: string;
  body: string;
  token: string;
}

/** The reply to a request, whatever its status. It is sent without the cookie: the token alone counts. */
export async function send({ address, method, body, token }: SentRequest): Promise<Reply> {
  const started = performance.now();
  const response = await fetch(address, {
    method,
    body,
    headers: { auth: token, "content-type": "application/json" },
    credentials: "omit",
    cache: "no-store",
  }).catch(() => {
    throw unreachable();
  });
  const text = await response.text();
  return {
    status: response.status,
    statusText: response.statusText,
    headers: [...response.headers.entries()],
    body: indented(text),
    milliseconds: performance.now() - started,
  };
}

const MOST_INDENTED = 200_000;

function indented(text: string): string {
  if (text.length > MOST_INDENTED) return text;
  try {
    return JSON.stringify(parseExact(text), null, 2);
  } catch {
    return text;
  }
}
