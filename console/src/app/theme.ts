import {
  createTheme,
  type CSSVariablesResolver,
  Drawer,
  Loader,
  Menu,
  Modal,
  Notification,
} from "@mantine/core";

export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: 8,
  defaultRadius: "sm",
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    // the header of a dialog is not the banner of the page
    Drawer: Drawer.extend({ defaultProps: { attributes: { header: { role: "presentation" } } } }),
    // an element without a role cannot have a name
    Loader: Loader.extend({ defaultProps: { role: "status" } }),
    // the placeholder is a focusable child of the menu that is no item of it
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false } }),
    Modal: Modal.extend({ defaultProps: { attributes: { header: { role: "presentation" } } } }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
  },
});

/** Secondary texts and errors have the contrast that WCAG asks for, which is more than the usual one of Mantine. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "var(--mantine-color-gray-7)",
    "--mantine-color-placeholder": "var(--mantine-color-gray-7)",
    "--mantine-color-error": "var(--mantine-color-red-9)",
  },
  dark: {
    "--mantine-color-dimmed": "var(--mantine-color-dark-1)",
    "--mantine-color-placeholder": "var(--mantine-color-dark-1)",
    "--mantine-color-error": "var(--mantine-color-red-4)",
  },
});
