import { Badge } from "@mantine/core";
import type { Cell, Writer } from "../../api/types";
import { type Column, isWriterColumn } from "./columns";
import { cellText, exactText, shortText } from "./cellText";
import classes from "./Grid.module.css";

interface CellViewProps {
  value: Cell;
  column: Column;
  writers: ReadonlyMap<string, Writer> | undefined;
  /** Otherwise only the start of a long text is shown. */
  isWhole?: boolean;
}

/** A value in a cell: null and an empty text look different, and the exact value shows on hover. */
export function CellView({ value, column, writers, isWhole = false }: CellViewProps) {
  if (value === null || value === undefined) return <span className={classes.muted}>null</span>;
  if (value === "") return <span className={classes.muted}>empty text</span>;
  const exact = exactText(value);
  if (column.type === "boolean") {
    return (
      <Badge size="sm" variant={value === true ? "light" : "default"} radius="sm" tt="none">
        {exact}
      </Badge>
    );
  }
  if (isWriterColumn(column)) return <span title={exact}>{writers?.get(exact)?.name ?? exact}</span>;
  const text = cellText(value, column);
  return <span title={shortText(exact)}>{isWhole ? text : shortText(text)}</span>;
}
