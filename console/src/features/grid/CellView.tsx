import { Badge } from "@mantine/core";
import type { Cell, Writer } from "../../api/types";
import { type Column, isWriterColumn } from "./columns";
import { cellText, exactText } from "./cellText";
import classes from "./Grid.module.css";

interface CellViewProps {
  value: Cell;
  column: Column;
  writers: ReadonlyMap<string, Writer> | undefined;
}

/** A value in a cell: null and an empty text look different, and the exact value shows on hover. */
export function CellView({ value, column, writers }: CellViewProps) {
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
  return <span title={exact}>{cellText(value, column)}</span>;
}
