import { memo, type MouseEvent, type ReactNode } from "react";
import { Link } from "react-router";
import type { Row } from "../../api/types";
import type { Column } from "./columns";
import { cellId } from "./Grid";
import classes from "./Grid.module.css";
import type { ActiveCell, GridPart } from "./parts";

interface GridRowProps {
  gridId: string;
  index: number;
  row: Row | undefined;
  parts: readonly GridPart[];
  y: number;
  width: number;
  height: number;
  numberWidth: number;
  active: number | null;
  isSelected: boolean;
  firstSelected: number;
  lastSelected: number;
  editing: number | null;
  rowAddress?: (row: Row) => string;
  /** With `isExtended`, the selection reaches from where it began to the cell. */
  onActivate: (cell: ActiveCell, isExtended?: boolean) => void;
  onEdit: (cell: ActiveCell) => boolean;
  renderCell: (row: Row, column: Column) => ReactNode;
  /** Of the row that is edited. */
  renderEditor?: (row: Row, column: Column) => ReactNode;
}

/** A row, which renders only if what it shows has changed. */
export const GridRow = memo(function GridRow(props: GridRowProps) {
  const { gridId, index, row, parts, active, editing, numberWidth, height } = props;
  const number = (index + 1).toLocaleString();
  const isSelected = (at: number) =>
    props.isSelected && props.firstSelected <= at && at <= props.lastSelected;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-busy={row === undefined || undefined}
      className={classes.row}
      style={{ transform: `translateY(${props.y}px)`, width: props.width, height }}
    >
      <div
        role="rowheader"
        id={cellId(gridId, { row: index, column: 0 })}
        aria-colindex={1}
        className={classes.number}
        data-active={active === 0 || undefined}
        data-selected={props.isSelected || undefined}
        style={{ width: numberWidth }}
        onMouseDown={(event) => {
          if (event.button !== 0) return;
          // the number is a link, which would take the focus and be dragged
          event.preventDefault();
          event.currentTarget.closest<HTMLElement>("[role=grid]")?.focus({ preventScroll: true });
          props.onActivate({ row: index, column: 0 }, event.shiftKey);
        }}
        onClickCapture={(event) => {
          if (event.shiftKey) event.preventDefault();
        }}
        onMouseEnter={(event) => {
          if (isDragging(event)) props.onActivate({ row: index, column: 0 }, true);
        }}
      >
        {row !== undefined && props.rowAddress !== undefined ? (
          <Link to={props.rowAddress(row)} tabIndex={-1} aria-label={`Open row ${number}`}>
            {number}
          </Link>
        ) : (
          number
        )}
      </div>
      {parts.map(({ column, at, left, width, isPinned }) => (
        <div
          key={column.name}
          role="gridcell"
          id={cellId(gridId, { row: index, column: at })}
          aria-colindex={at + 1}
          aria-selected={active === at || isSelected(at)}
          className={classes.cell}
          data-type={column.type}
          data-pinned={isPinned || undefined}
          data-active={active === at || undefined}
          data-selected={isSelected(at) || undefined}
          data-editing={editing === at || undefined}
          style={{ left, width }}
          onMouseDown={(event) => {
            if (editing === at || event.button !== 0) return;
            props.onActivate({ row: index, column: at }, event.shiftKey);
          }}
          onMouseEnter={(event) => {
            if (isDragging(event)) props.onActivate({ row: index, column: at }, true);
          }}
          onDoubleClick={() => {
            if (editing !== at) props.onEdit({ row: index, column: at });
          }}
        >
          {row === undefined ? (
            <span className={classes.waiting} />
          ) : editing === at ? (
            props.renderEditor?.(row, column)
          ) : (
            props.renderCell(row, column)
          )}
        </div>
      ))}
    </div>
  );
});

/** Whether the main button was pressed in a cell of the grid and is still down. */
function isDragging({ buttons, currentTarget }: MouseEvent): boolean {
  return buttons === 1 && document.activeElement === currentTarget.closest("[role=grid]");
}
