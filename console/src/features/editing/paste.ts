/** What pasting would do, before it is done. */
import type { Cell, Row } from "../../api/types";
import type { Column } from "../grid/columns";
import { type CellRange, rowCount } from "../grid/range";
import type { Step } from "./steps";
import type { Field } from "./tsv";
import { draftOfValue, parsed, type Parsed } from "./values";

export interface PlannedCell {
  column: Column;
  before: Cell;
  result: Parsed;
  isChanged: boolean;
}

export interface PlannedRow {
  /** The row that is changed; undefined: a new row. */
  row: Row | undefined;
  cells: PlannedCell[];
}

export interface Plan {
  rows: PlannedRow[];
  columns: Column[];
  changedCells: number;
  changedRows: number;
  newRows: number;
  problems: number;
  /** What is left out, and why. */
  notes: string[];
}

export type PasteMode = "change" | "add";

interface Target {
  /** The visible columns. */
  columns: readonly Column[];
  range: CellRange | undefined;
  mode: PasteMode;
  hasHeader: boolean;
  /** The present rows from the first one of the range on, as many as are pasted or fewer. */
  rows: readonly Row[];
}

/** Whether every field of the first line is the name of a column. */
export function isHeader(fields: readonly Field[] | undefined, columns: readonly Column[]): boolean {
  return fields?.every((field) => columnOf(field, columns) !== undefined) ?? false;
}

function columnOf(field: Field, columns: readonly Column[]): Column | undefined {
  const name = field?.trim().toLowerCase();
  return columns.find((column) => column.name.toLowerCase() === name);
}

/** The number of rows that are pasted. */
export function pastedHeight(lines: readonly Field[][], target: Omit<Target, "rows">): number {
  const { range, hasHeader } = target;
  const height = lines.length - (hasHeader ? 1 : 0);
  return range !== undefined && fills(lines, target) ? rowCount(range) : height;
}

/** Whether one line fills all selected rows. */
function fills(lines: readonly Field[][], { range, mode, hasHeader }: Omit<Target, "rows">): boolean {
  return mode === "change" && !hasHeader && range !== undefined && lines.length === 1;
}

/** The lines to paste: one line fills all selected rows, one field all selected cells. */
function filled(lines: readonly Field[][], target: Omit<Target, "rows">): Field[][] {
  const { range, hasHeader } = target;
  const [only] = lines;
  if (!fills(lines, target) || range === undefined || only === undefined) {
    return hasHeader ? lines.slice(1) : [...lines];
  }
  const width = range.isRows ? 1 : range.lastColumn - range.firstColumn + 1;
  const line = only.length === 1 ? Array.from({ length: width }, () => only[0] ?? null) : only;
  return Array.from({ length: rowCount(range) }, () => line);
}

export function planOf(lines: readonly Field[][], target: Target): Plan {
  const { columns, range, mode, hasHeader, rows } = target;
  const notes: string[] = [];
  const body = filled(lines, target);
  const width = Math.max(0, ...body.map((fields) => fields.length));
  const first = (range?.firstColumn ?? 1) - 1;
  const own = columns.filter(({ isSystem }) => !isSystem);
  const targets = hasHeader
    ? (lines[0] ?? []).map((field) => columnOf(field, columns))
    : columns.slice(first, first + width);
  if (!hasHeader && width > targets.length) {
    notes.push(`There are only ${targets.length} columns from here on, so the last fields are left out.`);
  }
  const system = targets.flatMap((column) => (column?.isSystem === true ? [column.name] : []));
  if (system.length > 0)
    notes.push(`These columns cannot be changed, so they are left out: ${system.join(", ")}.`);

  const planned = body.map((fields, at): PlannedRow => {
    const row = mode === "change" ? rows[at] : undefined;
    const cells = targets.flatMap((column, field) => {
      if (column === undefined || column.isSystem || field >= fields.length) return [];
      const value = fields[field] ?? null;
      return [plannedCell(row, column, value)];
    });
    return { row, cells };
  });
  const all = planned.flatMap(({ cells }) => cells);
  const updates = planned.filter(({ row }) => row !== undefined);
  return {
    rows: planned,
    columns: own.filter((column) => targets.includes(column)),
    changedCells: updates.flatMap(({ cells }) => cells).filter(({ isChanged }) => isChanged).length,
    changedRows: updates.filter(({ cells }) => cells.some(({ isChanged }) => isChanged)).length,
    newRows: planned.length - updates.length,
    problems: all.filter(({ result }) => "problem" in result).length,
    notes,
  };
}

/** In a new row, an empty field leaves the default to the column. */
function plannedCell(row: Row | undefined, column: Column, field: Field): PlannedCell {
  const before = row?.[column.name] ?? null;
  if (row === undefined && field === null) {
    return { column, before, result: { value: null }, isChanged: false };
  }
  const result = pasted(field, column);
  const isSame =
    row !== undefined && "value" in result && draftOfValue(result.value) === draftOfValue(before);
  return { column, before, result, isChanged: !isSame };
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const LOCAL_TIME = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)$/;
const TIME = /^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?$/;

/** The value of a field as spreadsheets write them: TRUE and FALSE, and times in the zone of the reader. */
export function pasted(field: Field, column: Column): Parsed {
  const text = field?.trim() ?? "";
  switch (field === null ? undefined : column.type) {
    case "boolean":
      return parsed(text.toLowerCase(), column);
    case "date":
      return pastedDate(text, column);
    case "number":
    case "integer":
    case "decimal":
      return NUMBER.test(text)
        ? parsed(text, column)
        : { problem: `${JSON.stringify(text)} is not a number; write numbers such as 1234.5.` };
    default:
      return parsed(field, column);
  }
}

function pastedDate(text: string, column: Column): Parsed {
  const [, day, time] = LOCAL_TIME.exec(text) ?? [];
  const local =
    day !== undefined && time !== undefined && isDay(day) ? new Date(`${day}T${time}`) : undefined;
  if (local !== undefined && !Number.isNaN(local.getTime())) return { value: local.toISOString() };
  return TIME.test(text)
    ? parsed(text, column)
    : {
        problem: `${JSON.stringify(text)} is not a date; write dates such as 2020-03-28 or 2020-03-28 14:05.`,
      };
}

/** Whether the calendar has this day: browsers read February 30 as a day of March. */
function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

/** The steps of a plan without problems. Only what changes is sent. */
export function stepsOf({ rows }: Plan): Step[] {
  return rows.flatMap(({ row, cells }): Step[] => {
    const data = Object.fromEntries(
      cells.flatMap(({ column, result, isChanged }) =>
        isChanged && "value" in result ? [[column.name, result.value]] : [],
      ),
    );
    if (row === undefined) return [{ kind: "insert", data }];
    return Object.keys(data).length > 0 ? [{ kind: "update", row, data }] : [];
  });
}
