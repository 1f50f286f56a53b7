/** The operands of filters: their texts, and the columns and values that they are for. */
import type { Operand } from "../../api/types";
import { type Column, isComparable, isOrdered, isText } from "../grid/columns";

export type Takes = "nothing" | "one" | "pair" | "list";

interface Operator {
  label: string;
  takes: Takes;
  suits: (column: Column) => boolean;
  takesNull?: true;
}

const any = () => true;

/** Every operand of the API: the type of this object fails to compile if one is missing. */
export const OPERATORS: Record<Operand, Operator> = {
  "=": { label: "is", takes: "one", suits: isComparable, takesNull: true },
  "!=": { label: "is not", takes: "one", suits: isComparable, takesNull: true },
  "<": { label: "is less than", takes: "one", suits: isOrdered },
  "<=": { label: "is at most", takes: "one", suits: isOrdered },
  ">": { label: "is more than", takes: "one", suits: isOrdered },
  ">=": { label: "is at least", takes: "one", suits: isOrdered },
  between: { label: "is between", takes: "pair", suits: isOrdered },
  in: { label: "is one of", takes: "list", suits: isComparable, takesNull: true },
  "not in": { label: "is none of", takes: "list", suits: isComparable, takesNull: true },
  icontains: { label: "contains", takes: "one", suits: isText },
  "istarts with": { label: "starts with", takes: "one", suits: isText },
  "iends with": { label: "ends with", takes: "one", suits: isText },
  contains: { label: "contains (exact case)", takes: "one", suits: isText },
  "starts with": { label: "starts with (exact case)", takes: "one", suits: isText },
  "ends with": { label: "ends with (exact case)", takes: "one", suits: isText },
  "is null": { label: "is null", takes: "nothing", suits: any },
  "is not null": { label: "is not null", takes: "nothing", suits: any },
};

export function operandsFor(column: Column | undefined): Operand[] {
  const all = Object.keys(OPERATORS) as Operand[];
  return column === undefined ? all : all.filter((operand) => OPERATORS[operand].suits(column));
}

export function isOperand(text: string): text is Operand {
  return Object.hasOwn(OPERATORS, text);
}
