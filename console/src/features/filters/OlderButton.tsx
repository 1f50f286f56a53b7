import { Button } from "@mantine/core";

interface OlderButtonProps {
  /** What the list has, such as "entries". */
  noun: string;
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> };
}

/** Below a list whose newest entries come first: reads those before them, if there are any. */
export function OlderButton({ noun, list }: OlderButtonProps) {
  if (!list.hasNextPage) return null;
  return (
    <Button
      size="xs"
      variant="default"
      mt="sm"
      loading={list.isFetchingNextPage}
      onClick={() => void list.fetchNextPage()}
    >
      Show older {noun}
    </Button>
  );
}
