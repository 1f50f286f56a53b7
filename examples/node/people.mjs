// Insert, query, update and delete a row with the Data API, with nothing but Node.js.

import { createHmac } from "node:crypto";
import process from "node:process";

const TOKEN_SECONDS = 300;
const RENEW_SECONDS = 30;

/** One part of a token: base64url without padding. */
const part = (content) => Buffer.from(JSON.stringify(content)).toString("base64url");

/** A JSON Web Token (HS256). The key is the secret exactly as Rowkeep printed it. */
function sign(clientId, secret, expires) {
  const payload = { sub: "people-example", appId: clientId, exp: expires };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(payload)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** Rowkeep refused a request. `code` is stable: programs may rely on it. */
class RowkeepError extends Error {
  constructor({ code, detail }) {
    super(`${code}: ${detail}`);
    this.code = code;
  }
}

/** The rows of one table. */
class Table {
  #url;
  #clientId;
  #secret;
  #token = "";
  #expires = 0;

  constructor(url, name, clientId, secret) {
    this.#url = `${url}/api/public/tables/${name}`;
    this.#clientId = clientId;
    this.#secret = secret;
  }

  insert(row) {
    return this.#send("POST", "", { data: row });
  }

  /** Every row that matches, page after page. */
  async *query(query, fields) {
    const body = { query, fields, count: "none" };
    for (;;) {
      const page = await this.#send("POST", "/query?sys_limit=100", body);
      yield* page.queryResult;
      if (!page.hasMore) return;
      body.cursor = page.nextCursor;
    }
  }

  async update(query, data) {
    return (await this.#send("PUT", "", { query, data })).nModified;
  }

  async delete(query) {
    // some proxies drop the body of a DELETE; this does the same
    return (await this.#send("POST", "/delete", { query })).nDeleted;
  }

  async #send(method, path, body) {
    const response = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#currentToken()}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const content = await response.json();
    if (!response.ok) throw new RowkeepError(content);
    return content;
  }

  /** A token is reused until shortly before it expires. */
  #currentToken() {
    const now = Math.floor(Date.now() / 1000);
    if (now > this.#expires - RENEW_SECONDS) {
      this.#expires = now + TOKEN_SECONDS;
      this.#token = sign(this.#clientId, this.#secret, this.#expires);
    }
    return this.#token;
  }
}

async function main({ ROWKEEP_URL, CLIENT_ID, CLIENT_SECRET }) {
  const people = new Table(ROWKEEP_URL, "people", CLIENT_ID, CLIENT_SECRET);

  const row = await people.insert({ First_Name: "Jane", Last_Name: "Doe", Gender: "female", Number: 263 });
  console.log("inserted", row.First_Name, row.Last_Name);

  const jane = { expressions: [{ field: "_id", operand: "=", value: row._id }] };
  for await (const each of people.query(jane, ["First_Name", "Number"])) {
    console.log("found", each.First_Name, each.Number);
  }

  console.log("updated", await people.update(jane, { Number: 264 }));
  console.log("deleted", await people.delete(jane));
}

try {
  await main(process.env);
} catch (error) {
  console.error(error.message, error.cause ?? "");
  process.exitCode = 1;
}
