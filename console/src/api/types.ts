/** Short names of generated types. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Table = Schemas["TableResponse"];
export type View = Schemas["ViewResponse"];
export type UsableTable = Schemas["UsableTableResponse"];
export type ColumnType = Schemas["TableColumnResponse"]["type"];
export type Filter = Schemas["Filter"];
export type Expression = Schemas["Expression"];
export type Comparison = Schemas["Comparison"];
export type Operand = Comparison["operand"];
export type SortKey = Schemas["SortKey"];
export type Writer = Schemas["WriterResponse"];
/** A value as JSON has it. */
export type Cell = unknown;
export type Row = Readonly<Record<string, Cell>>;
