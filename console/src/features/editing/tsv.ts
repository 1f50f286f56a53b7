/** Cells as spreadsheets exchange them: lines of fields with tabs between them.
 *
 * As in the CSV of the API, an empty field is null and a quoted empty field an empty text. Spreadsheets quote a
 * field only if it has a tab or a line break, so a quote that does not enclose a whole field is a character.
 */
export type Field = string | null;

const NEEDS_QUOTES = /[\t\n\r]|^"/;
/** A quoted field, or one without tabs and line breaks; then what ends it. */
const FIELD = /(?:"((?:[^"]|"")*)"(?=\t|\r?\n|\r|$)|([^\t\r\n]*))(\t|\r?\n|\r|$)/y;

export function toTsv(rows: readonly (readonly Field[])[]): string {
  const lines = rows.map((fields) => fields.map(written).join("\t"));
  return lines.join("\n") + (lines.at(-1) === "" ? "\n" : "");
}

function written(field: Field): string {
  if (field === null) return "";
  return field === "" || NEEDS_QUOTES.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** The lines of a text. One line break at its end ends the last line. */
export function fromTsv(text: string): Field[][] {
  const rows: Field[][] = [];
  let row: Field[] = [];
  let at = 0;
  while (at < text.length || row.length > 0) {
    FIELD.lastIndex = at;
    const [all = "", quoted, plain, end] = FIELD.exec(text) ?? [];
    row.push(quoted !== undefined ? quoted.replaceAll('""', '"') : plain || null);
    at += all.length;
    if (end === "\t") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
