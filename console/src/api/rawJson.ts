/** Numbers in JSON as they are written. */

type Raw = (text: string) => unknown;

/** Makes a value that `JSON.stringify` writes as this text, which is a number in JSON. */
export const rawJson: Raw = (JSON as { rawJSON?: Raw }).rawJSON ?? markedNumbers();

/** The same for browsers from before 2025, which have no raw JSON: the number is a marked string, which `JSON.stringify`
 * writes without its mark and quotes from now on. Nobody can guess the mark. */
function markedNumbers(): Raw {
  const mark = `number ${crypto.getRandomValues(new Uint32Array(4)).join("-")} `;
  const marked = new RegExp(`"${mark}([^"]*)"`, "g");
  const stringify = JSON.stringify.bind(JSON) as (...given: unknown[]) => string | undefined;
  JSON.stringify = ((...given: unknown[]) =>
    stringify(...given)?.replace(marked, "$1")) as typeof JSON.stringify;
  return (text) => mark + text;
}
