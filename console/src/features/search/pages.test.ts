import { expect, test, vi } from "vitest";
import routes from "../../app/router.tsx?raw";
import { pageEntries } from "./pages";

// the router itself needs a browser
vi.mock("../../app/place", () => ({ CONSOLE_PATH: "/console" }));
vi.mock("../../app/router", () => ({ router: { routes: [{ path: "*" }, { path: "/w/*", element: null }] } }));

test("the search offers every page of a workspace", () => {
  const paths = [...routes.matchAll(/\bpath: "([a-z-]+(?:\/[a-z-]+)*)"/g)].map(([, path]) => path);
  expect(paths).toContain("define/tables");
  const offered = pageEntries("shop", { anyone: true, member: true, manager: true, admin: true });
  expect(offered.map(({ to }) => to ?? "no page").sort()).toEqual(
    ["", ...paths].map((path) => `/w/shop/${path}`).sort(),
  );
});
