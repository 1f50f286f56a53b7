/** Calls about definitions. A definition is read with its tag, so that what others change meanwhile is not
 * overwritten. Texts are sent as they were written. */
import type { QueryClient } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { parseExact } from "../../api/exactJson";
import type { components } from "../../api/schema";
import type { Kind } from "../tables/listed";
import type { TableDefinition } from "./tableDraft";

type Schemas = components["schemas"];
export type ViewDefinition = Schemas["ViewResponse"];
export type Step = Schemas["StepResponse"];
export type Preview = Schemas["ViewQueryResponse"];

export interface Loaded<T> {
  definition: T;
  tag: string;
}

interface TextCall {
  data?: string;
  error?: unknown;
  response: Response;
}

async function loaded<T>(call: Promise<unknown>): Promise<Loaded<T>> {
  const text = await answered(call as Promise<TextCall>);
  const { response } = (await call) as TextCall;
  return { definition: parseExact(text) as T, tag: response.headers.get("ETag") ?? "*" };
}

export function readTable(workspace: string, table: string): Promise<Loaded<TableDefinition>> {
  return loaded(
    api.GET("/api/v1/workspaces/{workspace}/tables/{table}/definition", {
      params: { path: { workspace, table } },
      parseAs: "text",
    }),
  );
}

export function readView(workspace: string, view: string): Promise<Loaded<ViewDefinition>> {
  return loaded(
    api.GET("/api/v1/workspaces/{workspace}/views/{view}/definition", {
      params: { path: { workspace, view } },
      parseAs: "text",
    }),
  );
}

export function readSchema(workspace: string): Promise<Loaded<Record<string, unknown>>> {
  return loaded(
    api.GET("/api/v1/workspaces/{workspace}/schema", { params: { path: { workspace } }, parseAs: "text" }),
  );
}

// the generated types want a body, also where a text is sent in its place
const NOT_USED = {} as never;

/** A body that is sent as it is written. */
function written(text: string) {
  return { body: NOT_USED, bodySerializer: () => text, headers: { "Content-Type": "application/json" } };
}

export function createTable(workspace: string, text: string) {
  return answered(
    api.POST("/api/v1/workspaces/{workspace}/tables", {
      params: { path: { workspace } },
      ...written(text),
    }),
  );
}

export interface ChangeOptions {
  tag: string;
  dryRun: boolean;
  allowDataLoss?: boolean;
}

/** Changes a table; a dry run returns the steps. */
export async function changeTable(
  workspace: string,
  table: string,
  text: string,
  { tag, dryRun, allowDataLoss = false }: ChangeOptions,
): Promise<Step[]> {
  const done = await answered(
    api.PUT("/api/v1/workspaces/{workspace}/tables/{table}", {
      params: {
        path: { workspace, table },
        query: { dryRun, allowDataLoss },
        header: { "If-Match": tag },
      },
      ...written(text),
    }),
  );
  return "steps" in done ? done.steps : [];
}

export async function changeSchema(
  workspace: string,
  text: string,
  { tag, dryRun, allowDataLoss = false }: ChangeOptions,
): Promise<Step[]> {
  const done = await answered(
    api.PUT("/api/v1/workspaces/{workspace}/schema", {
      params: { path: { workspace }, query: { dryRun, allowDataLoss }, header: { "If-Match": tag } },
      ...written(text),
    }),
  );
  return done.steps;
}

export function createView(workspace: string, text: string) {
  return answered(
    api.POST("/api/v1/workspaces/{workspace}/views", {
      params: { path: { workspace } },
      ...written(text),
    }),
  );
}

/** Changes a view; a dry run returns the steps. */
export async function changeView(
  workspace: string,
  view: string,
  text: string,
  { tag, dryRun }: ChangeOptions,
): Promise<Step[]> {
  const done = await answered(
    api.PUT("/api/v1/workspaces/{workspace}/views/{view}", {
      params: { path: { workspace, view }, query: { dryRun }, header: { "If-Match": tag } },
      ...written(text),
    }),
  );
  return "steps" in done ? done.steps : [];
}

export async function previewView(workspace: string, text: string, signal: AbortSignal): Promise<Preview> {
  return parseExact(
    await answered(
      api.POST("/api/v1/workspaces/{workspace}/view-preview", {
        params: { path: { workspace } },
        ...written(text),
        parseAs: "text",
        signal,
      }) as Promise<TextCall>,
    ),
  ) as Preview;
}

export function deleteDefinition(workspace: string, kind: Kind, name: string, tag: string) {
  const header = { "If-Match": tag };
  return kind === "tables"
    ? answered(
        api.DELETE("/api/v1/workspaces/{workspace}/tables/{table}", {
          params: { path: { workspace, table: name }, header },
        }),
      )
    : answered(
        api.DELETE("/api/v1/workspaces/{workspace}/views/{view}", {
          params: { path: { workspace, view: name }, header },
        }),
      );
}

/** The names of the apps that may use a table or view. */
export async function readGrants(workspace: string, kind: Kind, name: string): Promise<string[]> {
  const { grants } =
    kind === "tables"
      ? await answered(
          api.GET("/api/v1/workspaces/{workspace}/tables/{table}/grants", {
            params: { path: { workspace, table: name } },
          }),
        )
      : await answered(
          api.GET("/api/v1/workspaces/{workspace}/views/{view}/grants", {
            params: { path: { workspace, view: name } },
          }),
        );
  return grants.map(({ app }) => app);
}

/** Reads all data again: a change of definitions can change lists, columns, rows and rights. */
export async function definitionsChanged(queries: QueryClient): Promise<void> {
  await queries.cancelQueries();
  await queries.invalidateQueries();
}
