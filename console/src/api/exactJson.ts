/** JSON with exact numbers: 64-bit integers are larger than the numbers of JavaScript. */

interface RawJson {
  rawJSON?: (text: string) => unknown;
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

/** Only a text with a long run of digits can contain a number that would be rounded. */
const LONG_NUMBER = /[0-9]{16}/;
const INTEGER = /^-?[0-9]+$/;

export function parseExact(text: string): unknown {
  return LONG_NUMBER.test(text)
    ? JSON.parse(text, exact as Parameters<typeof JSON.parse>[1])
    : JSON.parse(text);
}

/** A large integer stays as it is written: as raw JSON, or as a string where a browser has no raw JSON. */
const exact: Reviver = (_key, value, context) => {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  if (source === undefined || !INTEGER.test(source)) return value;
  const { rawJSON } = JSON as RawJson;
  return rawJSON === undefined ? source : rawJSON(source);
};
