/** Requests about uploaded files and their imports. */
import { queryOptions } from "@tanstack/react-query";
import { answered, api, fetched, refusals } from "../../api/client";
import { unreachable } from "../../api/errors";
import type { components } from "../../api/schema";
import { API_ADDRESS } from "../../app/place";
import { wholeOf } from "./exports";
import { firstRejects, type RejectedRow } from "./rejects";

type Schemas = components["schemas"];

export type UploadedFile = Schemas["FileResponse"];
export type Import = Schemas["ImportResponse"];
export type Inspected = Schemas["InspectedResponse"];
export type FileReading = Schemas["FileReading"];
export type ImportBody = Schemas["ImportBody"];

/** How often the progress of an import is read. */
const POLL_MS = 700;

export function isOpen(file: UploadedFile | undefined): boolean {
  const status = file?.import?.status;
  return status === "queued" || status === "running";
}

function addressOf(workspace: string): string {
  return `${API_ADDRESS}/api/v1/workspaces/${encodeURIComponent(workspace)}/files`;
}

function rejectsAddress(workspace: string, file: string): string {
  return `${addressOf(workspace)}/${file}/rejects`;
}

/** Uploads a file. Only XMLHttpRequest says how much of it was sent. */
export function upload(
  workspace: string,
  file: File,
  onSent: (share: number) => void,
  signal: AbortSignal,
): Promise<UploadedFile> {
  return new Promise((resolve, reject) => {
    const refused = refusals();
    const request = new XMLHttpRequest();
    request.open("POST", `${addressOf(workspace)}?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => onSent(total > 0 ? loaded / total : 0);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("The upload was cancelled.", "AbortError"));
    request.onload = () => {
      const answer: unknown = request.response;
      if (request.status === 201 && answer !== null) resolve(answer as UploadedFile);
      else reject(refused(request.status, answer, request.getResponseHeader("Retry-After")));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

const path = (workspace: string, file: string) => ({ params: { path: { workspace, file } } });

export const filesQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["files", workspace, "list"],
    // other pages upload files
    staleTime: 0,
    queryFn: ({ signal }) =>
      answered(api.GET("/api/v1/workspaces/{workspace}/files", { params: { path: { workspace } }, signal })),
    refetchInterval: ({ state }) => (state.data?.files.some(isOpen) ? POLL_MS * 3 : false),
  });

/** A file, read again and again while it is imported. */
export const fileQuery = (workspace: string, file: string) =>
  queryOptions({
    queryKey: ["files", workspace, file],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/v1/workspaces/{workspace}/files/{file}", { ...path(workspace, file), signal })),
    refetchInterval: ({ state }) => (isOpen(state.data) ? POLL_MS : false),
  });

export const inspectQuery = (workspace: string, file: string, reading: FileReading) =>
  queryOptions({
    queryKey: ["inspected", workspace, file, reading],
    staleTime: Infinity,
    retry: false,
    queryFn: ({ signal }) =>
      answered(
        api.POST("/api/v1/workspaces/{workspace}/files/{file}/inspect", {
          ...path(workspace, file),
          body: reading,
          signal,
        }),
      ),
  });

export const startImport = (workspace: string, file: string, body: ImportBody) =>
  answered(
    api.POST("/api/v1/workspaces/{workspace}/files/{file}/import", { ...path(workspace, file), body }),
  );

export const cancelImport = (workspace: string, file: string) =>
  answered(api.POST("/api/v1/workspaces/{workspace}/files/{file}/cancel", path(workspace, file)));

export const deleteFile = (workspace: string, file: string) =>
  answered(api.DELETE("/api/v1/workspaces/{workspace}/files/{file}", path(workspace, file)));

/** All rejected rows of an import, as a file. */
export async function readRejects(workspace: string, file: string): Promise<Blob> {
  return wholeOf(await fetched(rejectsAddress(workspace, file), {}), "Try again.");
}

/** The first rejected rows of an import; the others are not loaded. */
export const rejectsQuery = (workspace: string, file: string, count: number) =>
  queryOptions({
    queryKey: ["rejects", workspace, file, count],
    queryFn: async ({ signal }): Promise<RejectedRow[]> => {
      const { body } = await fetched(rejectsAddress(workspace, file), { signal });
      return firstRejects(body);
    },
  });
