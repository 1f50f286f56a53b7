import { createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: { light: 8, dark: 7 },
  defaultRadius: "sm",
  cursorType: "pointer",
  focusRing: "auto",
});
