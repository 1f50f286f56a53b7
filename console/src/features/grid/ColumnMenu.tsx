import { Menu } from "@mantine/core";
import {
  IconArrowLeft,
  IconArrowRight,
  IconArrowsHorizontal,
  IconEyeOff,
  IconFilter,
  IconPin,
  IconPinnedOff,
  IconSortAscending,
  IconSortDescending,
  IconX,
} from "@tabler/icons-react";
import type { SortKey } from "../../api/types";
import { type Column, isSortable } from "./columns";
import { type Layout, moved, resized, toggled, widthOf } from "./layout";
import { added, removed } from "./sorting";

const STEP = 40;

interface ColumnMenuProps {
  column: Column;
  /** All columns. */
  columns: readonly Column[];
  /** The visible ones, in their order. */
  shown: readonly Column[];
  layout: Layout;
  sort: readonly SortKey[];
  onLayout: (layout: Layout) => void;
  onSort: (sort: SortKey[]) => void;
  onFilter: (column: Column) => void;
}

/** All that can be done with a column, also by the keyboard. */
export function ColumnMenu(props: ColumnMenuProps) {
  const { column, columns, shown, layout, sort, onLayout, onSort } = props;
  const { name } = column;
  const at = shown.findIndex((each) => each.name === name);
  const left = shown[at - 1];
  const right = shown[at + 1];
  const isPinned = layout.pinned.includes(name);
  const isSorted = sort.some(({ field }) => field === name);
  const width = widthOf(layout, column);
  return (
    <>
      {isSortable(column) && (
        <>
          <Menu.Item
            data-autofocus
            leftSection={<IconSortAscending size={14} />}
            onClick={() => onSort(added(sort, name, "asc"))}
          >
            Sort ascending
          </Menu.Item>
          <Menu.Item
            leftSection={<IconSortDescending size={14} />}
            onClick={() => onSort(added(sort, name, "desc"))}
          >
            Sort descending
          </Menu.Item>
          {isSorted && (
            <Menu.Item leftSection={<IconX size={14} />} onClick={() => onSort(removed(sort, name))}>
              Do not sort by it
            </Menu.Item>
          )}
        </>
      )}
      <Menu.Item
        data-autofocus={!isSortable(column) || undefined}
        leftSection={<IconFilter size={14} />}
        onClick={() => props.onFilter(column)}
      >
        Filter
      </Menu.Item>
      <Menu.Divider />
      <Menu.Item
        leftSection={isPinned ? <IconPinnedOff size={14} /> : <IconPin size={14} />}
        onClick={() => onLayout(toggled(layout, "pinned", name))}
      >
        {isPinned ? "Unpin" : "Pin to the left"}
      </Menu.Item>
      {left !== undefined && (
        <Menu.Item
          leftSection={<IconArrowLeft size={14} />}
          onClick={() => onLayout(moved(columns, layout, name, left.name))}
        >
          Move left
        </Menu.Item>
      )}
      {right !== undefined && (
        <Menu.Item
          leftSection={<IconArrowRight size={14} />}
          onClick={() => onLayout(moved(columns, layout, name, right.name))}
        >
          Move right
        </Menu.Item>
      )}
      <Menu.Item
        leftSection={<IconArrowsHorizontal size={14} />}
        closeMenuOnClick={false}
        onClick={() => onLayout(resized(layout, name, width + STEP))}
      >
        Wider
      </Menu.Item>
      <Menu.Item
        leftSection={<IconArrowsHorizontal size={14} />}
        closeMenuOnClick={false}
        onClick={() => onLayout(resized(layout, name, width - STEP))}
      >
        Narrower
      </Menu.Item>
      {shown.length > 1 && (
        <Menu.Item
          leftSection={<IconEyeOff size={14} />}
          onClick={() => onLayout(toggled(layout, "hidden", name))}
        >
          Hide
        </Menu.Item>
      )}
    </>
  );
}
