/** Exports: what a grid shows, as a file. */
import { fetched } from "../../api/client";
import { API_ADDRESS } from "../../app/place";
import type { Selection, Source } from "../grid/rowQueries";

export interface ExportFormat {
  label: string;
  suffix: string;
  mediaType: string;
}

export const FORMATS: readonly ExportFormat[] = [
  {
    label: "Excel",
    suffix: "xlsx",
    mediaType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  },
  { label: "CSV", suffix: "csv", mediaType: "text/csv" },
  { label: "NDJSON", suffix: "ndjson", mediaType: "application/x-ndjson" },
  { label: "Parquet", suffix: "parquet", mediaType: "application/vnd.apache.parquet" },
];

/** All rows of a selection with these columns, as a file. A stream that ends early is an error. */
export async function readFile(
  { workspace, kind, name }: Source,
  selection: Selection,
  fields: readonly string[],
  { mediaType }: ExportFormat,
  signal: AbortSignal,
): Promise<Blob> {
  const address = `${API_ADDRESS}/api/v1/workspaces/${workspace}/data/${kind}/${name}/query`;
  const response = await fetched(address, {
    method: "POST",
    headers: { Accept: mediaType, "Content-Type": "application/json" },
    body: JSON.stringify({ ...selection, fields }),
    signal,
  });
  return wholeOf(response, "Try again, with a filter or fewer columns.", signal);
}

/** All that is sent. `advice` is for a person whose file ended early. */
export async function wholeOf(response: Response, advice: string, signal?: AbortSignal): Promise<Blob> {
  try {
    return await response.blob();
  } catch (error) {
    throw signal?.aborted === true ? error : new Error(`The rows ended before the last one. ${advice}`);
  }
}

/** Gives a file to the browser, which stores it. */
export function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
