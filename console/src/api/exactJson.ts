/** JSON with exact numbers: those of JavaScript have fewer digits, and a smaller range. */

interface RawJson {
  rawJSON?: (text: string) => unknown;
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

/** Only a text with a long run of digits, or with a large exponent, can contain a number that would be changed. */
const CAN_CHANGE = /[0-9][0-9.]{15}|[0-9][eE][+-]?[0-9]{3}/;
const INTEGER = /^-?[0-9]+$/;
const NUMBER = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

export function parseExact(text: string): unknown {
  return CAN_CHANGE.test(text)
    ? JSON.parse(text, exact as Parameters<typeof JSON.parse>[1])
    : JSON.parse(text);
}

/** A number that would be changed stays as it is written: as raw JSON, or where a browser has no raw JSON, a large
 * integer as a string. */
const exact: Reviver = (_key, value, context) => {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined || source === String(value)) return value;
  if (scientific(source) === scientific(String(value))) return value;
  const { rawJSON } = JSON as RawJson;
  if (rawJSON !== undefined) return rawJSON(source);
  return INTEGER.test(source) ? source : value;
};

/** The digits and the exponent of a number, the same for each way to write it. */
function scientific(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  let end = digits.length;
  while (digits[end - 1] === "0") end -= 1;
  const shift = Number(exponent) - fraction.length + digits.length - end;
  return end === 0 ? "0" : `${sign}${digits.slice(0, end)}e${shift}`;
}
