import { createTheme, type CSSVariablesResolver, Drawer, Modal } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: 8,
  defaultRadius: "sm",
  cursorType: "pointer",
  focusRing: "auto",
  // the header of a dialog is not the banner of the page
  components: {
    Drawer: Drawer.extend({ defaultProps: { attributes: { header: { role: "presentation" } } } }),
    Modal: Modal.extend({ defaultProps: { attributes: { header: { role: "presentation" } } } }),
  },
});

/** Secondary texts have the contrast that WCAG asks for, which is more than the usual one of Mantine. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "var(--mantine-color-gray-7)",
    "--mantine-color-placeholder": "var(--mantine-color-gray-7)",
  },
  dark: {
    "--mantine-color-dimmed": "var(--mantine-color-dark-1)",
    "--mantine-color-placeholder": "var(--mantine-color-dark-1)",
  },
});
