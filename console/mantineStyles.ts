import type { Plugin } from "vite";

const STYLES = /\/@mantine\/core\/styles\/([A-Z]\w*)\.css$/;
const CLASSES = /\/@mantine\/core\/esm\/.*\/(\w+)\.module\.mjs$/;
const LIST = "src/app/mantine.ts";

/** Refuses a build that has a component of Mantine without its styles, or styles without their component. */
export function mantineStyles(): Plugin {
  return {
    name: "mantine-styles",
    apply: "build",
    generateBundle(_options, bundle) {
      const contained = Object.values(bundle)
        .flatMap((file) => (file.type === "chunk" ? Object.entries(file.modules) : []))
        .filter(([, { renderedLength }]) => renderedLength > 0)
        .map(([id]) => id);
      const problem = problemOf(contained, [...this.getModuleIds()]);
      if (problem !== undefined) this.error(problem);
    },
  };
}

/** What is wrong with the list of styles: `contained` are the modules whose code a build has, `imported` all that it
 * has read. Each component has a module with the names of its classes. */
export function problemOf(contained: readonly string[], imported: readonly string[]): string | undefined {
  const needed = named(contained, CLASSES);
  const listed = named(imported, STYLES);
  const missing = needed.filter((each) => !listed.includes(each));
  const unused = listed.filter((each) => !needed.includes(each));
  if (missing.length > 0) return `${LIST} must import the styles of ${missing.join(", ")}.`;
  if (unused.length > 0) return `${LIST} imports styles that nothing needs: ${unused.join(", ")}.`;
  return undefined;
}

function named(ids: readonly string[], pattern: RegExp): string[] {
  return ids.map((id) => pattern.exec(id)?.[1]).filter((name) => name !== undefined);
}
