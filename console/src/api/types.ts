/** Short names of generated types. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Table = Schemas["ListedTableResponse"];
export type View = Schemas["ViewResponse"];
export type UsableTable = Schemas["UsableTableResponse"];
export type ColumnType = Schemas["TableColumnResponse"]["type"];
/** A filter of a query; `all` is for changes of every row, which the console does not send. */
export type Filter = Exclude<Schemas["Filter"], Schemas["EveryRow"]>;
export type Expression = Schemas["Expression"];
export type Comparison = Schemas["Comparison"];
export type Operand = Comparison["operand"];
export type SortKey = Schemas["SortKey"];
export type Writer = Schemas["WriterResponse"];
/** A value as JSON has it. */
export type Cell = unknown;
export type Row = Readonly<Record<string, Cell>>;
