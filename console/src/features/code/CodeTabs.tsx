import { Code, Group, SegmentedControl, Stack, Tabs, Text } from "@mantine/core";
import { useState } from "react";
import { API_ADDRESS } from "../../app/place";
import type { SigningApp } from "../apps/signing";
import { CopyButtonOf } from "../apps/CopyButtonOf";
import type { DataRequest } from "./requests";
import { codeOf, type Language, LANGUAGES, needsLibrary, type Signing, variablesOf } from "./samples";

interface CodeTabsProps {
  request: DataRequest;
  body: string;
  app: SigningApp | undefined;
  token: string | undefined;
}

const UNKNOWN: SigningApp = {
  clientId: "PUT-THE-CLIENT-ID-HERE",
  algorithm: "HS256",
  requireJti: false,
  audience: null,
  requireJwe: false,
};
const NO_TOKEN = "PUT-A-TOKEN-HERE";

/** The request as a program. */
export function CodeTabs({ request, body, app = UNKNOWN, token = NO_TOKEN }: CodeTabsProps) {
  const [language, setLanguage] = useState<Language>("curl");
  const [chosen, setSigning] = useState<Signing>("ready");
  const signing = language === "curl" ? "ready" : chosen;
  const code = codeOf(language, { ...request, body, app, token, signing, address: API_ADDRESS });
  const variables = variablesOf(app).join(" and ");
  return (
    <Tabs
      mt="md"
      value={language}
      onChange={(value) => setLanguage(LANGUAGES.find((each) => each.value === value)?.value ?? "curl")}
    >
      <Tabs.List aria-label="Language">
        {LANGUAGES.map(({ value, label }) => (
          <Tabs.Tab key={value} value={value}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {LANGUAGES.map(({ value, label }) => (
        <Tabs.Panel key={value} value={value} pt="xs">
          {value === language && (
            <Stack gap="xs">
              <Group gap="xs">
                {value !== "curl" && (
                  <SegmentedControl
                    size="xs"
                    aria-label="Token"
                    data={[
                      { value: "ready", label: "With this token" },
                      { value: "own", label: "Signs itself" },
                    ]}
                    value={signing}
                    onChange={(each) => setSigning(each === "own" ? "own" : "ready")}
                  />
                )}
                <CopyButtonOf name={`the ${label} code`} value={code} />
              </Group>
              {signing === "own" && (
                <Text size="sm">
                  It needs {variables} in its environment
                  {value === "python" && needsLibrary(app) && ", and the package joserfc"}.
                </Text>
              )}
              {value === "curl" && token === NO_TOKEN && (
                <Text size="sm">
                  In a shell, <Code>rowkeep token --app {app.clientId}</Code> signs a token.
                </Text>
              )}
              <Code
                block
                tabIndex={0}
                role="region"
                aria-label={`${label} code`}
                mah={480}
                style={{ overflow: "auto" }}
              >
                {code}
              </Code>
            </Stack>
          )}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
