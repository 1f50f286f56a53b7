import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { mantineStyles } from "./mantineStyles.ts";

const OUTPUT = "../src/rowkeep/web";
const COMPRESSED = /\.(css|js|svg|txt)$/;

/** Writes a .br and a .gz file next to each asset: the server compresses nothing while it runs. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir = OUTPUT }) {
      const directory = join(dir, "assets");
      for (const name of readdirSync(directory).filter((each) => COMPRESSED.test(each))) {
        const content = readFileSync(join(directory, name));
        const best = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
        writeFileSync(join(directory, `${name}.br`), brotliCompressSync(content, best));
        writeFileSync(join(directory, `${name}.gz`), gzipSync(content, { level: 9 }));
      }
    },
  };
}

/** What the server fills in when it serves the built page. */
function placeholders(): Plugin {
  return {
    name: "placeholders",
    apply: "serve",
    transformIndexHtml: (html) => html.replace("%ROWKEEP_BASE%", "/console/").replace("%ROWKEEP_NONCE%", ""),
  };
}

/** What the first page needs is one file, and what several other pages share is another: each file is a request, which
 * costs a browser more than a few functions that it does not call. */
const GROUPS = [
  { name: "start", tags: ["$initial" as const], priority: 2 },
  { name: "shared", minShareCount: 2, priority: 1 },
];

export default defineConfig(({ command }) => ({
  base: command === "build" ? "./" : "/console/",
  plugins: [react(), mantineStyles(), compressed(), placeholders()],
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rolldownOptions: { output: { codeSplitting: { groups: GROUPS } } },
  },
  server: { proxy: { "/api": process.env.ROWKEEP_URL ?? "http://127.0.0.1:8080" } },
}));
