import { createBrowserRouter } from "react-router";
import { FirstUserPage, LinkPage, ResetPage } from "../features/session/LinkPages";
import { SignInPage } from "../features/session/SignInPage";
import { RequireSession } from "../features/session/RequireSession";
import { TablesPage } from "../features/tables/TablesPage";
import { ErrorPage, NotFound, NotFoundPage } from "./ErrorPage";
import { HomePage } from "./HomePage";
import { Layout } from "./Layout";
import { CONSOLE_PATH } from "./place";

const accountPage = async () => ({
  Component: (await import("../features/account/AccountPage")).AccountPage,
});

/** Pages that are not needed first are separate files, loaded when they are opened. */
export const router = createBrowserRouter(
  [
    {
      path: "/sign-in",
      element: <SignInPage />,
      errorElement: (
        <main>
          <ErrorPage />
        </main>
      ),
    },
    {
      path: "/welcome",
      element: <FirstUserPage />,
      errorElement: (
        <main>
          <ErrorPage />
        </main>
      ),
    },
    {
      path: "/reset",
      element: <ResetPage />,
      errorElement: (
        <main>
          <ErrorPage />
        </main>
      ),
    },
    {
      path: "/link",
      element: <LinkPage />,
      errorElement: (
        <main>
          <ErrorPage />
        </main>
      ),
    },
    {
      element: <RequireSession />,
      // nothing is drawn while the file of the first page is loaded
      hydrateFallbackElement: <></>,
      errorElement: (
        <main>
          <ErrorPage />
        </main>
      ),
      children: [
        { path: "/", element: <HomePage /> },
        {
          path: "/account",
          element: <Layout />,
          children: [{ errorElement: <ErrorPage />, children: [{ index: true, lazy: accountPage }] }],
        },
        {
          path: "/w/:workspace",
          element: <Layout />,
          children: [
            {
              errorElement: <ErrorPage />,
              children: [
                {
                  index: true,
                  lazy: async () => ({
                    Component: (await import("../features/home/WorkspaceHomePage")).WorkspaceHomePage,
                  }),
                },
                { path: "tables", element: <TablesPage /> },
                {
                  path: "define",
                  lazy: async () => ({
                    Component: (await import("../features/definitions/pages")).WorkspacePage,
                  }),
                },
                {
                  path: "define/tables",
                  lazy: async () => ({
                    Component: (await import("../features/definitions/pages")).NewTablePage,
                  }),
                },
                {
                  path: "define/tables/:name",
                  lazy: async () => ({
                    Component: (await import("../features/definitions/pages")).ChangeTablePage,
                  }),
                },
                {
                  path: "define/views",
                  lazy: async () => ({
                    Component: (await import("../features/definitions/pages")).NewViewPage,
                  }),
                },
                {
                  path: "define/views/:name",
                  lazy: async () => ({
                    Component: (await import("../features/definitions/pages")).ChangeViewPage,
                  }),
                },
                {
                  path: "import",
                  lazy: async () => ({ Component: (await import("../features/files/FilesPage")).FilesPage }),
                },
                {
                  path: "import/:file",
                  lazy: async () => ({ Component: (await import("../features/files/FilePage")).FilePage }),
                },
                {
                  path: ":kind/:name",
                  lazy: async () => ({ Component: (await import("../features/grid/GridPage")).GridPage }),
                },
                {
                  path: "tables/:name/rows/:id",
                  lazy: async () => ({ Component: (await import("../features/rows/RowPage")).RowPage }),
                },
                {
                  path: "history",
                  lazy: async () => ({
                    Component: (await import("../features/history/HistoryPage")).HistoryPage,
                  }),
                },
                {
                  path: "members",
                  lazy: async () => ({
                    Component: (await import("../features/people/MembersPage")).MembersPage,
                  }),
                },
                {
                  path: "users",
                  lazy: async () => ({ Component: (await import("../features/people/UsersPage")).UsersPage }),
                },
                {
                  path: "apps",
                  lazy: async () => ({ Component: (await import("../features/apps/AppsPage")).AppsPage }),
                },
                {
                  path: "apps/:clientId",
                  lazy: async () => ({ Component: (await import("../features/apps/AppPage")).AppPage }),
                },
                {
                  path: "grants",
                  lazy: async () => ({ Component: (await import("../features/apps/GrantsPage")).GrantsPage }),
                },
                {
                  path: "webhooks",
                  lazy: async () => ({
                    Component: (await import("../features/webhooks/WebhooksPage")).WebhooksPage,
                  }),
                },
                {
                  path: "webhooks/:webhook",
                  lazy: async () => ({
                    Component: (await import("../features/webhooks/WebhookPage")).WebhookPage,
                  }),
                },
                {
                  path: ":kind/:name/code",
                  lazy: async () => ({ Component: (await import("../features/code/CodePage")).CodePage }),
                },
                {
                  path: "admin-tokens",
                  lazy: async () => ({
                    Component: (await import("../features/administration/AdminTokensPage")).AdminTokensPage,
                  }),
                },
                {
                  path: "audit",
                  lazy: async () => ({
                    Component: (await import("../features/administration/AuditPage")).AuditPage,
                  }),
                },
                {
                  path: "about",
                  lazy: async () => ({
                    Component: (await import("../features/administration/AboutPage")).AboutPage,
                  }),
                },
                { path: "account", lazy: accountPage },
                { path: "*", element: <NotFound /> },
              ],
            },
          ],
        },
      ],
    },
    { path: "*", element: <NotFoundPage /> },
  ],
  { basename: CONSOLE_PATH },
);
