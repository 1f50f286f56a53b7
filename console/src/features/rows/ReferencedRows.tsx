import { Skeleton, Text, Title } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import type { Comparison, UsableTable } from "../../api/types";
import { readPage } from "../grid/rowQueries";
import { onlyOnce, type Target } from "./references";
import { RowsPreview } from "./RowsPreview";

interface ReferencedRowsProps {
  workspace: string;
  targets: readonly Target[];
  usable: ReadonlyMap<string, UsableTable>;
}

const LIMIT = 3;

/** The rows that a row refers to, each once. */
export function ReferencedRows({ workspace, targets, usable }: ReferencedRowsProps) {
  const found = useQueries({
    queries: targets.map(({ table, column, value }) => ({
      queryKey: ["row", workspace, table, "referenced", column, value],
      queryFn: ({ signal }: { signal: AbortSignal }) => {
        const query = { expressions: [{ field: column, operand: "=", value } as Comparison] };
        return readPage({ workspace, kind: "tables", name: table }, { query, limit: LIMIT }, signal);
      },
    })),
  });
  if (targets.length === 0) return null;
  const rows = onlyOnce(
    targets.flatMap(({ table, names }, at) =>
      (found[at]?.data?.rows ?? []).map((row) => ({ table, names, row })),
    ),
  );
  return (
    <>
      <Title order={2} size="h5" mt="md" mb="xs">
        Refers to
      </Title>
      {found.some(({ isPending }) => isPending) && (
        <Skeleton height={60} role="status" aria-label="Loading" />
      )}
      {found.some(({ isError }) => isError) && (
        <Text size="sm" c="dimmed">
          Some of the rows could not be loaded.
        </Text>
      )}
      {rows.map(({ table, names, row }) => {
        const definition = usable.get(table);
        const label = `Row of ${table} by ${names.join(", ")}`;
        return (
          definition !== undefined && (
            <div key={`${table}/${String(row._id)}`}>
              <Text size="sm" mt="xs" mb={4}>
                {label}
              </Text>
              <RowsPreview workspace={workspace} table={definition} rows={[row]} label={label} />
            </div>
          )
        );
      })}
    </>
  );
}
