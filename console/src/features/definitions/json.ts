/** Definitions as texts: how they are written, and where a JSON Pointer of an error is in the text. */

/** The keys whose entries have a line each, so that a table of many columns stays readable. */
const LINES = new Set([
  "schemaDef",
  "indexes",
  "joins",
  "columns",
  "groupBy",
  "sortBy",
  "tables",
  "views",
  "grants",
]);

/** The text of a definition: each column, index and join has its own line. */
export function textOf(definition: object): string {
  const members = Object.entries(definition)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `  ${JSON.stringify(key)}: ${memberText(key, value)}`);
  return `{\n${members.join(",\n")}\n}\n`;
}

function memberText(key: string, value: unknown): string {
  if (!LINES.has(key) || !Array.isArray(value) || value.length === 0) return JSON.stringify(value);
  return `[\n${value.map((each) => `    ${JSON.stringify(each)}`).join(",\n")}\n  ]`;
}

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

/** The name in a definition, if it can be one. */
export function nameIn(definition: Readonly<Record<string, unknown>>): string | undefined {
  const { name } = definition;
  return typeof name === "string" && NAME.test(name) ? name : undefined;
}

export interface Span {
  start: number;
  end: number;
}

/** Where the value that a JSON Pointer names is in a JSON text; the nearest value around it if it is missing. */
export function spanOf(text: string, pointer: string): Span {
  const wanted = pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const reader = new Reader(text);
  reader.space();
  return reader.find(wanted);
}

/** Finds values in a text that is valid JSON. */
class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  space(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at += 1;
  }

  find(path: readonly string[]): Span {
    const start = this.at;
    const [key, ...rest] = path;
    const open = this.text[start];
    let found: Span | undefined;
    if (key === undefined || (open !== "{" && open !== "[")) {
      this.skip();
      return { start, end: this.at };
    }
    this.at += 1;
    for (let index = 0; ; index += 1) {
      this.space();
      if (this.at >= this.text.length || this.text[this.at] === "}" || this.text[this.at] === "]") break;
      const name = open === "{" ? this.name() : String(index);
      if (name === key) {
        found = this.find(rest);
        return found;
      }
      this.skip();
      this.space();
      if (this.text[this.at] === ",") this.at += 1;
    }
    this.at += 1;
    return { start, end: this.at };
  }

  private name(): string {
    const start = this.at;
    this.string();
    const name: unknown = JSON.parse(this.text.slice(start, this.at));
    this.space();
    this.at += 1;
    this.space();
    return String(name);
  }

  private string(): void {
    this.at += 1;
    while (this.at < this.text.length && this.text[this.at] !== '"')
      this.at += this.text[this.at] === "\\" ? 2 : 1;
    this.at += 1;
  }

  private skip(): void {
    let depth = 0;
    for (;;) {
      const now = this.text[this.at];
      if (now === undefined) return;
      if (now === '"') this.string();
      else {
        if (now === "{" || now === "[") depth += 1;
        if (depth === 0 && /[,\s\]}]/.test(now)) return;
        if (now === "}" || now === "]") depth -= 1;
        this.at += 1;
      }
      if (depth === 0 && /["}\]]/.test(this.text[this.at - 1] ?? "")) return;
    }
  }
}

/** The line of a place in a text, from 1. */
export function lineOf(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

/** Where a text stops being JSON, as far as the message of the browser says so. */
export function brokenAt(text: string, error: unknown): Span | undefined {
  const message = error instanceof Error ? error.message : "";
  const position = /position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return { start: Number(position), end: Number(position) + 1 };
  return /end of JSON/i.test(message) ? { start: text.length, end: text.length } : undefined;
}
