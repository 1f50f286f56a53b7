import { ActionIcon, Menu } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconChevronDown, IconLock } from "@tabler/icons-react";
import { type ComponentPropsWithRef, memo, type PointerEvent, type ReactNode, useState } from "react";
import type { SortKey } from "../../api/types";
import { type Column, isSortable } from "./columns";
import { cellId } from "./Grid";
import classes from "./Grid.module.css";
import { type Layout, moved, resized } from "./layout";
import type { ActiveCell, GridPart } from "./parts";
import { clicked } from "./sorting";

interface GridHeaderProps {
  gridId: string;
  columns: readonly Column[];
  layout: Layout;
  sort: readonly SortKey[];
  parts: readonly GridPart[];
  width: number;
  height: number;
  numberWidth: number;
  /** The column of the active cell, if that is in the header. */
  active: number | null;
  /** The column whose menu is open, and its menu. */
  menuOf: string | undefined;
  menu: ReactNode;
  onOpenMenu: (name: string | null) => void;
  onActivate: (cell: ActiveCell) => void;
  onLayout: (layout: Layout) => void;
  /** What a click makes of the sort, whichever it is by then. */
  onSort: (click: (sort: readonly SortKey[]) => SortKey[]) => void;
}

export const GridHeader = memo(function GridHeader(props: GridHeaderProps) {
  const { gridId, parts, active, numberWidth } = props;
  const isActive = (column: number) => active === column || undefined;
  return (
    <div role="rowgroup" className={classes.head} style={{ width: props.width, height: props.height }}>
      <div role="row" aria-rowindex={1} className={classes.headRow}>
        <div
          role="columnheader"
          id={cellId(gridId, { row: -1, column: 0 })}
          aria-colindex={1}
          className={classes.number}
          data-active={isActive(0)}
          style={{ width: numberWidth }}
        >
          Row
        </div>
        {parts.map((part) => (
          <HeaderCell key={part.column.name} {...props} part={part} isActive={isActive(part.at)} />
        ))}
      </div>
    </div>
  );
});

interface HeaderCellProps extends GridHeaderProps {
  part: GridPart;
  isActive: true | undefined;
}

function HeaderCell(props: HeaderCellProps) {
  const { gridId, part, isActive, columns, layout, sort } = props;
  const { column, at, left, width, isPinned } = part;
  const [isTarget, setTarget] = useState(false);
  const key = sort.findIndex(({ field }) => field === column.name);
  const order = sort[key]?.order ?? "asc";
  return (
    <div
      role="columnheader"
      id={cellId(gridId, { row: -1, column: at })}
      aria-colindex={at + 1}
      aria-sort={key < 0 ? undefined : order === "asc" ? "ascending" : "descending"}
      className={classes.headCell}
      data-pinned={isPinned || undefined}
      data-active={isActive}
      data-target={isTarget || undefined}
      style={{ left, width }}
      draggable
      onMouseDown={() => props.onActivate({ row: -1, column: at })}
      onDragStart={(event) => {
        event.dataTransfer.setData("text/plain", column.name);
        event.dataTransfer.effectAllowed = "move";
      }}
      onDragOver={(event) => {
        event.preventDefault();
        setTarget(true);
      }}
      onDragLeave={() => setTarget(false)}
      onDrop={(event) => {
        event.preventDefault();
        setTarget(false);
        props.onLayout(moved(columns, layout, event.dataTransfer.getData("text/plain"), column.name));
      }}
      onClick={(event) => {
        if (isSortable(column)) props.onSort((newest) => clicked(newest, column.name, event.shiftKey));
      }}
    >
      <span className={classes.headName} title={`${column.name} (${column.type})`}>
        {column.name}
      </span>
      {column.isEncrypted && <IconLock size={12} aria-label="encrypted" />}
      {key >= 0 && (
        <span className={classes.order} aria-hidden>
          {order === "asc" ? <IconArrowUp size={14} /> : <IconArrowDown size={14} />}
          {sort.length > 1 && key + 1}
        </span>
      )}
      {props.menuOf === column.name ? (
        <Menu
          opened
          onChange={(isOpen) => {
            if (!isOpen) props.onOpenMenu(null);
          }}
          position="bottom-end"
          withinPortal
        >
          <Menu.Target>
            <MenuButton column={column} />
          </Menu.Target>
          <Menu.Dropdown onClick={(event) => event.stopPropagation()}>{props.menu}</Menu.Dropdown>
        </Menu>
      ) : (
        <MenuButton column={column} onClick={() => props.onOpenMenu(column.name)} />
      )}
      <ResizeHandle width={width} onResize={(wide) => props.onLayout(resized(layout, column.name, wide))} />
    </div>
  );
}

interface MenuButtonProps extends ComponentPropsWithRef<"button"> {
  column: Column;
}

/** Opens the menu of a column. The menu itself exists only while it is open. */
function MenuButton({ column, onClick, ...target }: MenuButtonProps) {
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="sm"
      tabIndex={-1}
      aria-label={`Menu of column ${column.name}`}
      aria-haspopup="menu"
      aria-expanded={false}
      {...target}
      onClick={(event) => {
        event.stopPropagation();
        onClick?.(event);
      }}
    >
      <IconChevronDown size={14} aria-hidden />
    </ActionIcon>
  );
}

/** Changes the width of a column by the pointer; the menu of the column does it by the keyboard. */
function ResizeHandle({ width, onResize }: { width: number; onResize: (width: number) => void }) {
  const [start, setStart] = useState<number | null>(null);
  return (
    <span
      className={classes.resize}
      aria-hidden
      draggable
      onDragStart={(event) => {
        event.preventDefault();
        event.stopPropagation();
      }}
      onClick={(event) => event.stopPropagation()}
      onPointerDown={(event: PointerEvent<HTMLSpanElement>) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        setStart(event.clientX - width);
      }}
      onPointerMove={(event) => {
        if (start !== null) onResize(event.clientX - start);
      }}
      onPointerUp={() => setStart(null)}
      onPointerCancel={() => setStart(null)}
    />
  );
}
