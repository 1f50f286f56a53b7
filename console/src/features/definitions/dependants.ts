/** What uses a table, so that it cannot be deleted. */
import type { Table, View } from "../../api/types";

export function usersOf(table: string, tables: readonly Table[], views: readonly View[]): string[] {
  const isIt = (name: string | undefined) => name?.toLowerCase() === table.toLowerCase();
  const references = tables.flatMap(({ name, schemaDef }) =>
    isIt(name)
      ? []
      : schemaDef.filter(({ reference }) => isIt(reference.table)).map((column) => `${name}.${column.name}`),
  );
  const reading = views
    .filter((view) => isIt(view.table) || view.joins.some((join) => isIt(join.table)))
    .map(({ name }) => `view ${name}`);
  return [...references, ...reading];
}
