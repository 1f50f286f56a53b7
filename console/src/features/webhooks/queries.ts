/** Webhooks and their messages, read and changed. */
import { infiniteQueryOptions, type QueryClient, queryOptions } from "@tanstack/react-query";
import { answered, api } from "../../api/client";
import { readAgain } from "../../api/queries";
import type { components } from "../../api/schema";
import { shownOnceQuery } from "../apps/queries";
import { all } from "../tables/queries";

type Schemas = components["schemas"];
export type Webhook = Schemas["WebhookResponse"];
export type NewWebhook = Schemas["WebhookBody"];
export type WebhookPatch = Schemas["WebhookPatch"];
export type Delivery = Schemas["DeliveryResponse"];
export type DeliveryState = Delivery["state"];
export type Kind = Webhook["kinds"][number];
type ChangedWebhook = Schemas["ChangedWebhookResponse"];

const LIST = "/api/v1/workspaces/{workspace}/webhooks";
const ONE = "/api/v1/workspaces/{workspace}/webhooks/{webhook}";
const LOG = "/api/v1/workspaces/{workspace}/webhooks/{webhook}/deliveries";
const PAGE = 50;

const pathOf = (workspace: string, webhook: string) => ({ params: { path: { workspace, webhook } } });

export const webhooksQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["webhooks", workspace],
    queryFn: ({ signal }) =>
      all(
        (query) => answered(api.GET(LIST, { params: { path: { workspace }, query }, signal })),
        (page) => page.webhooks,
      ),
  });

/** The newest message of a webhook, if there is one. */
export const lastDeliveryQuery = (workspace: string, webhook: string) =>
  queryOptions({
    queryKey: ["deliveries", workspace, webhook, "last"],
    queryFn: async ({ signal }): Promise<Delivery | null> => {
      const query = { limit: 1 };
      const answer = await answered(
        api.GET(LOG, { params: { path: { workspace, webhook }, query }, signal }),
      );
      return answer.deliveries[0] ?? null;
    },
  });

export const deliveriesQuery = (workspace: string, webhook: string, state: DeliveryState | "") =>
  infiniteQueryOptions({
    queryKey: ["deliveries", workspace, webhook, "log", state],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) => {
      const query = {
        limit: PAGE,
        ...(state === "" ? {} : { state }),
        ...(cursor === undefined ? {} : { cursor }),
      };
      return answered(api.GET(LOG, { params: { path: { workspace, webhook }, query }, signal }));
    },
    getNextPageParam: (last) => last.nextCursor,
  });

export function createWebhook(workspace: string, body: NewWebhook): Promise<ChangedWebhook> {
  return answered(api.POST(LIST, { params: { path: { workspace } }, body }));
}

export function changeWebhook(workspace: string, webhook: string, body: WebhookPatch): Promise<Webhook> {
  return answered(api.PATCH(ONE, { ...pathOf(workspace, webhook), body }));
}

export function deleteWebhook(workspace: string, webhook: string) {
  return answered(api.DELETE(ONE, pathOf(workspace, webhook)));
}

export function rotateWebhookSecret(workspace: string, webhook: string): Promise<ChangedWebhook> {
  const path = "/api/v1/workspaces/{workspace}/webhooks/{webhook}/secret";
  return answered(api.POST(path, pathOf(workspace, webhook)));
}

export function testWebhook(workspace: string, webhook: string): Promise<Delivery> {
  const path = "/api/v1/workspaces/{workspace}/webhooks/{webhook}/test";
  return answered(api.POST(path, pathOf(workspace, webhook)));
}

export function redeliver(workspace: string, webhook: string, delivery: string): Promise<Delivery> {
  const path = "/api/v1/workspaces/{workspace}/webhooks/{webhook}/deliveries/{delivery}/redeliver";
  return answered(api.POST(path, { params: { path: { workspace, webhook, delivery } } }));
}

/** Holds the secret of a response for the page that shows it once. */
export function takeSecret(queries: QueryClient, { id, secret }: ChangedWebhook): void {
  queries.setQueryData(shownOnceQuery(id).queryKey, { secret, jweKey: "" });
}

/** Reads again what a change of a webhook, or a message to it, has changed. */
export async function webhooksChanged(queries: QueryClient, workspace: string): Promise<void> {
  await Promise.all([
    readAgain(queries, ["webhooks", workspace]),
    readAgain(queries, ["deliveries", workspace]),
  ]);
}
