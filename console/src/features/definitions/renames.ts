/** Changes that give a table or view another name. */
import { nameIn, textOf } from "./json";
import type { Content } from "./useEditor";

export interface Named extends Content {
  name: string;
}

/** What is sent for a change: the path has the new name, and the definition the former one. A name that cannot be in a
 * path is refused by the server, at the former one. */
export function named({ text, value }: Content, was: string): Named {
  const name = nameIn(value) ?? was;
  if (name.toLowerCase() === was.toLowerCase() || "renamedFrom" in value) return { text, value, name };
  const renamed = { ...value, renamedFrom: was };
  return { text: textOf(renamed), value: renamed, name };
}
