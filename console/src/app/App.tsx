import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { RouterProvider } from "react-router";
import { ApiError } from "../api/errors";
import { SessionProvider } from "../features/session/SessionProvider";
import { STYLE_NONCE } from "./place";
import { router } from "./router";
import { theme, variables } from "./theme";

const RETRIES = 3;

function queryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (count, error) => error instanceof ApiError && error.isTemporary && count < RETRIES,
        retryDelay: (count, error) =>
          error instanceof ApiError && error.retryAfter !== undefined
            ? error.retryAfter * 1000
            : 500 * 2 ** count,
      },
    },
  });
}

export function App() {
  const [client] = useState(queryClient);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      getStyleNonce={() => STYLE_NONCE}
    >
      <Notifications position="bottom-right" />
      <QueryClientProvider client={client}>
        <SessionProvider>
          <RouterProvider router={router} />
        </SessionProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
