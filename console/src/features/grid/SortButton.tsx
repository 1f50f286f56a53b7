import { ActionIcon, Button, Group, NativeSelect, Popover, Stack, Text } from "@mantine/core";
import { IconArrowUp, IconArrowsSort, IconPlus, IconX } from "@tabler/icons-react";
import type { SortKey } from "../../api/types";
import { type Column, isSortable } from "./columns";
import { ToolButton } from "./ToolButton";

interface SortButtonProps {
  columns: readonly Column[];
  sort: SortKey[];
  onSort: (sort: SortKey[]) => void;
}

/** Sorts by one or several columns. */
export function SortButton({ columns, sort, onSort }: SortButtonProps) {
  const names = columns.filter(isSortable).map(({ name }) => name);
  const free = names.filter((name) => !sort.some(({ field }) => field === name));
  const [next] = free;
  return (
    <Popover position="bottom-start" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <ToolButton
          icon={<IconArrowsSort size={16} aria-hidden />}
          label="Sort"
          count={sort.length}
          counted="columns"
        />
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          {sort.length === 0 && <Text size="sm">Rows are in the order in which they were inserted.</Text>}
          {sort.map(({ field, order = "asc" }, at) => (
            <Group key={field} gap={6} wrap="nowrap">
              <NativeSelect
                size="xs"
                aria-label={`Sort column ${at + 1}`}
                data={[field, ...free]}
                value={field}
                onChange={(event) => onSort(sort.with(at, { field: event.currentTarget.value, order }))}
              />
              <NativeSelect
                size="xs"
                aria-label={`Order of ${field}`}
                data={[
                  { value: "asc", label: "ascending" },
                  { value: "desc", label: "descending" },
                ]}
                value={order}
                onChange={(event) =>
                  onSort(
                    sort.with(at, { field, order: event.currentTarget.value === "desc" ? "desc" : "asc" }),
                  )
                }
              />
              {at > 0 && (
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={`Sort by ${field} earlier`}
                  onClick={() => onSort(earlier(sort, at))}
                >
                  <IconArrowUp size={14} aria-hidden />
                </ActionIcon>
              )}
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Do not sort by ${field}`}
                onClick={() => onSort(sort.toSpliced(at, 1))}
              >
                <IconX size={14} aria-hidden />
              </ActionIcon>
            </Group>
          ))}
          {next !== undefined && (
            <Button
              size="compact-sm"
              variant="light"
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() => onSort([...sort, { field: next, order: "asc" }])}
            >
              Column
            </Button>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function earlier(sort: readonly SortKey[], at: number): SortKey[] {
  const [key] = sort.slice(at, at + 1);
  return key === undefined ? [...sort] : sort.toSpliced(at, 1).toSpliced(at - 1, 0, key);
}
