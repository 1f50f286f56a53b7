import { expect, test } from "vitest";
import { problemOf } from "./mantineStyles";

const CORE = "/console/node_modules/@mantine/core";
const classes = (name: string) => `${CORE}/esm/components/${name}/${name}.module.mjs`;
const styles = (name: string) => `${CORE}/styles/${name}.css`;

test("each component has its styles", () => {
  const contained = [classes("Button"), `${CORE}/esm/components/Button/Button.mjs`, "/console/src/main.tsx"];
  expect(problemOf(contained, [...contained, styles("Button"), `${CORE}/styles/global.css`])).toBeUndefined();
});

test("styles are missing", () => {
  const contained = [classes("Button"), classes("Tabs"), classes("Loader")];
  expect(problemOf(contained, [...contained, styles("Loader")])).toBe(
    "src/app/mantine.ts must import the styles of Button, Tabs.",
  );
});

test("styles are not needed", () => {
  // a module that was read, but of which the build contains nothing
  expect(problemOf([classes("Button")], [classes("Pill"), styles("Button"), styles("Pill")])).toBe(
    "src/app/mantine.ts imports styles that nothing needs: Pill.",
  );
});
