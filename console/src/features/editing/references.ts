/** Values of referenced columns. */
import { queryOptions } from "@tanstack/react-query";
import type { Comparison } from "../../api/types";
import type { Column } from "../grid/columns";
import { exactText } from "../grid/cellText";
import { readPage } from "../grid/rowQueries";

const LIMIT = 20;

/** The first values of the referenced column that fit what is typed. */
export const referencedQuery = (workspace: string, column: Column, search: string) =>
  queryOptions({
    queryKey: ["referenced", workspace, column.reference, column.type, search],
    enabled: column.reference !== undefined,
    queryFn: async ({ signal }) => {
      const { table, column: field } = column.reference ?? { table: "", column: "" };
      const expressions: Comparison[] =
        search === ""
          ? []
          : column.type === "string"
            ? [{ field, operand: "icontains", value: search }]
            : [{ field, operand: "=", value: search }];
      const source = { workspace, kind: "tables", name: table } as const;
      const page = await readPage(source, { query: { expressions }, limit: LIMIT }, signal);
      return [...new Set(page.rows.map((row) => exactText(row[field])))].filter((text) => text !== "");
    },
  });
