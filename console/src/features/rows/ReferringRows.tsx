import { Anchor, Skeleton, Text, Title } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { Link } from "react-router";
import { messageOf } from "../../api/errors";
import type { Row, UsableTable } from "../../api/types";
import { readPage } from "../grid/rowQueries";
import { addressOf, referringTables } from "./references";
import { RowsPreview } from "./RowsPreview";

interface ReferringRowsProps {
  workspace: string;
  table: string;
  row: Row;
  usable: ReadonlyMap<string, UsableTable>;
}

const LIMIT = 5;

/** The first rows that refer to a row, by table, and a link to all of them. */
export function ReferringRows({ workspace, table, row, usable }: ReferringRowsProps) {
  const referring = referringTables(table, row, usable);
  const found = useQueries({
    queries: referring.map(({ table: other, conditions }) => ({
      queryKey: ["row", workspace, other.name, "referring", conditions],
      queryFn: ({ signal }: { signal: AbortSignal }) => {
        const query = { expressions: conditions, operator: "or" as const };
        return readPage({ workspace, kind: "tables", name: other.name }, { query, limit: LIMIT }, signal);
      },
    })),
  });
  if (referring.length === 0) return null;
  return (
    <>
      <Title order={2} size="h5" mt="md" mb="xs">
        Referenced by
      </Title>
      {referring.map(({ table: other, conditions }, at) => {
        const page = found[at];
        const label = `Rows of ${other.name} by ${conditions.map(({ field }) => field).join(" or ")}`;
        return (
          <div key={other.name}>
            <Text size="sm" mt="xs" mb={4}>
              <Anchor component={Link} to={addressOf(workspace, other.name, conditions)}>
                {label}
              </Anchor>
              {page?.data?.rows.length === 0 && ": none"}
              {page?.data?.hasMore === true && `: the first ${LIMIT} of more`}
              {page?.isError === true && `: ${messageOf(page.error)}`}
            </Text>
            {page?.isPending === true && <Skeleton height={60} role="status" aria-label="Loading" />}
            {(page?.data?.rows.length ?? 0) > 0 && (
              <RowsPreview workspace={workspace} table={other} rows={page?.data?.rows ?? []} label={label} />
            )}
          </div>
        );
      })}
    </>
  );
}
