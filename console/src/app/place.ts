/** Where the console is served, as the server wrote it into the page. */
const base = new URL(document.baseURI);

/** The path of the console, without a slash at its end. */
export const CONSOLE_PATH = base.pathname.replace(/\/$/, "");

/** The address of the API, without a slash at its end; it includes the path prefix of a proxy. */
export const API_ADDRESS = new URL("../", base).href.replace(/\/$/, "");

/** The nonce that the content security policy of this page allows for styles. */
export const STYLE_NONCE = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
