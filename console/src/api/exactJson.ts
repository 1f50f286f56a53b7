/** JSON exactly as it is written. JavaScript would change it: its numbers have fewer digits and one way to write each,
 * and its objects have keys such as "2" first. */

import { rawJson } from "./rawJson";

/** Only a text with one of these can change: a long run of digits, zeros after the point that are first or last, minus
 * zero, an exponent, or a key that starts with a digit, which can also be escaped. */
const CAN_CHANGE =
  /[0-9][0-9.]{15}|\.0{6}|(?:\.[0-9]*0|-0|[0-9][eE][+-]?[0-9]+)(?=[\s,\]}]|$)|"[0-9\\][^"]*"\s*:/;
const TOKEN = /\s*([{}[\],:]|"|[^\s{}[\],:"]+)/y;

export function parseExact(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return CAN_CHANGE.test(text) ? new Reader(text, false).value() : value;
}

/** The same for a text that a person has written. Throws SyntaxError also if an object has a key twice: only the last
 * of the two would be stored. */
export function parseWritten(text: string): unknown {
  JSON.parse(text);
  return new Reader(text, true).value();
}

/** A number that JavaScript would change, as it is written. */
class WrittenNumber {
  constructor(private readonly text: string) {}

  toJSON(): unknown {
    return rawJson(this.text);
  }
}

/** The prototype of objects whose keys are in the order of the text. Plain objects would be copied by others. */
const IN_ORDER = Object.freeze({});

/** Reads a text that is valid JSON. */
class Reader {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly isStrict: boolean,
  ) {}

  value(first = this.token()): unknown {
    if (first === "{") return this.object();
    if (first === "[") return this.array();
    if (/^["tfn]/.test(first)) return JSON.parse(first);
    const number = Number(first);
    return String(number) === first ? number : new WrittenNumber(first);
  }

  private object(): object {
    const members = new Map<string, unknown>();
    for (let token = this.token(); token !== "}"; token = this.token()) {
      if (token === ",") continue;
      const key = JSON.parse(token) as string;
      if (this.isStrict && members.has(key))
        throw new SyntaxError(`An object has the key ${token} twice. Write each key once.`);
      this.token(); // the colon
      members.set(key, this.value());
    }
    return objectOf(members);
  }

  private array(): unknown[] {
    const items: unknown[] = [];
    for (let token = this.token(); token !== "]"; token = this.token())
      if (token !== ",") items.push(this.value(token));
    return items;
  }

  private token(): string {
    TOKEN.lastIndex = this.at;
    const token = TOKEN.exec(this.text)?.[1];
    if (token === undefined) throw new SyntaxError("The JSON ends too early.");
    const start = TOKEN.lastIndex - token.length;
    this.at = token === '"' ? this.endOfString(start) : TOKEN.lastIndex;
    return this.text.slice(start, this.at);
  }

  private endOfString(start: number): number {
    for (let at = start + 1; ; at += 1) {
      at = this.text.indexOf('"', at);
      let before = at;
      while (this.text[before - 1] === "\\") before -= 1;
      if ((at - before) % 2 === 0) return at + 1;
    }
  }
}

function objectOf(members: ReadonlyMap<string, unknown>): object {
  const object = Object.fromEntries(members);
  const keys = [...members.keys()];
  if (Object.keys(object).every((key, at) => key === keys[at])) return object;
  Object.setPrototypeOf(object, IN_ORDER);
  return new Proxy(object, { ownKeys: () => keys });
}
