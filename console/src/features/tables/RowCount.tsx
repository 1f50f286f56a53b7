import { Loader, Text } from "@mantine/core";
import { useInViewport } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { countQuery } from "../grid/rowQueries";
import type { Kind } from "./listed";

interface RowCountProps {
  workspace: string;
  kind: Kind;
  name: string;
}

/** The number of rows, which is counted only when it is visible. */
export function RowCount(props: RowCountProps) {
  const { ref, inViewport } = useInViewport<HTMLSpanElement>();
  const count = useQuery({ ...countQuery(props, {}), enabled: inViewport, staleTime: 30_000 });
  return (
    <span ref={ref}>
      {count.isSuccess ? (
        count.data.toLocaleString()
      ) : count.isError ? (
        <Text span c="dimmed" title={count.error.message}>
          not known
        </Text>
      ) : (
        <Loader size={12} aria-label="Counting" />
      )}
    </span>
  );
}
