/** The pages of the console that the search offers. */
import { matchRoutes } from "react-router";
import { CONSOLE_PATH } from "../../app/place";
import { router } from "../../app/router";
import type { Entry } from "./entries";

type Who = "anyone" | "member" | "manager" | "admin";

interface Page {
  path: string;
  label: string;
  who: Who;
  words: string;
}

const PAGES: readonly Page[] = [
  { path: "", label: "Home", who: "anyone", words: "start activity errors requests attention" },
  { path: "tables", label: "Tables", who: "anyone", words: "views list sizes" },
  { path: "import", label: "Imports", who: "anyone", words: "upload file csv excel ndjson parquet" },
  { path: "history", label: "History", who: "anyone", words: "changes undo operations restore" },
  { path: "define", label: "Definitions", who: "manager", words: "schema create export" },
  { path: "define/tables", label: "New table", who: "manager", words: "create definition" },
  { path: "define/views", label: "New view", who: "manager", words: "create definition" },
  { path: "members", label: "Members", who: "member", words: "roles workspace viewer editor manager" },
  { path: "apps", label: "Apps", who: "manager", words: "programs clients secrets tokens" },
  { path: "grants", label: "Grants of all apps", who: "manager", words: "rights matrix" },
  { path: "webhooks", label: "Webhooks", who: "manager", words: "messages push changes url" },
  { path: "users", label: "Users", who: "admin", words: "people administrators add" },
  { path: "admin-tokens", label: "Admin tokens", who: "admin", words: "keys" },
  { path: "audit", label: "Audit log", who: "admin", words: "history who" },
  { path: "about", label: "About", who: "admin", words: "version settings health keys engine" },
  { path: "account", label: "Your account", who: "anyone", words: "settings name password sessions sign" },
];

export function pageEntries(workspace: string, may: Record<Who, boolean>): Entry[] {
  return PAGES.filter(({ path, who }) => may[who] && hasPage(`/w/${workspace}/${path}`)).map(
    ({ path, label, words }) => ({
      group: "Pages",
      label,
      detail: "page",
      to: `/w/${workspace}/${path}`,
      words,
    }),
  );
}

/** Whether there is a page at a path, apart from the pages of tables and views and the one that says that there is
 * none. */
export function hasPage(path: string): boolean {
  const route = matchRoutes(router.routes, `${CONSOLE_PATH}${path}`, CONSOLE_PATH)?.at(-1)?.route;
  return route !== undefined && route.path !== "*" && route.path !== ":kind/:name";
}
