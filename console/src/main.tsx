import "./app/mantine";
import "@mantine/notifications/styles.css";
import "./app/app.css";

import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { STYLE_NONCE } from "./app/place";

setNonce(STYLE_NONCE); // dialogs lock the scrolling of the page by a style element

const root = document.getElementById("app");
if (root === null) throw new Error("The page has no element #app.");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
