import { memo, type ReactNode } from "react";
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
  editing: number | null;
  rowAddress?: (row: Row) => string;
  onActivate: (cell: ActiveCell) => void;
  onEdit: (cell: ActiveCell) => boolean;
  renderCell: (row: Row, column: Column) => ReactNode;
  renderEditor: (row: Row, column: Column) => ReactNode;
}

export const GridRow = memo(function GridRow(props: GridRowProps) {
  const { gridId, index, row, parts, active, editing, numberWidth, height } = props;
  const number = (index + 1).toLocaleString();
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
        style={{ width: numberWidth }}
        onMouseDown={() => props.onActivate({ row: index, column: 0 })}
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
          aria-selected={active === at}
          className={classes.cell}
          data-type={column.type}
          data-pinned={isPinned || undefined}
          data-active={active === at || undefined}
          data-editing={editing === at || undefined}
          style={{ left, width }}
          onMouseDown={() => {
            if (editing !== at) props.onActivate({ row: index, column: at });
          }}
          onDoubleClick={() => {
            if (editing !== at) props.onEdit({ row: index, column: at });
          }}
        >
          {row === undefined ? (
            <span className={classes.waiting} />
          ) : editing === at ? (
            props.renderEditor(row, column)
          ) : (
            props.renderCell(row, column)
          )}
        </div>
      ))}
    </div>
  );
});
