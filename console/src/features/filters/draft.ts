/** Drafts: a filter while it is edited. It becomes a filter of the API, and is made from one. */
import type { Comparison, Expression, Filter, Operand } from "../../api/types";
import type { Column } from "../grid/columns";
import { exactText } from "../grid/cellText";
import { isOperand, operandsFor, OPERATORS } from "./operators";

/** A value as it is edited: a text, or null. */
export type DraftValue = string | null;

export interface Condition {
  kind: "condition";
  id: number;
  isNegated: boolean;
  field: string;
  operand: Operand;
  values: DraftValue[];
}

export interface Junction {
  kind: "junction";
  id: number;
  isNegated: boolean;
  operator: "and" | "or";
  items: Draft[];
}

export type Draft = Condition | Junction;

let last = 0;
const nextId = () => ++last;

export function newCondition(column: Column): Condition {
  const operand = operandsFor(column)[0] ?? "is null";
  const values = OPERATORS[operand].takes === "nothing" ? [] : [""];
  return { kind: "condition", id: nextId(), isNegated: false, field: column.name, operand, values };
}

export function newJunction(items: Draft[], operator: "and" | "or" = "and"): Junction {
  return { kind: "junction", id: nextId(), isNegated: false, operator, items };
}

/** The values that fit another operand: as many of the present ones as it takes. */
export function valuesFor(operand: Operand, values: readonly DraftValue[]): DraftValue[] {
  const { takes, takesNull } = OPERATORS[operand];
  const usable = values.map((value) => (value === null && !takesNull ? "" : value));
  switch (takes) {
    case "nothing":
      return [];
    case "one":
      return [usable[0] ?? (usable.length > 0 ? null : "")];
    case "pair":
      return [usable[0] ?? "", usable[1] ?? ""];
    case "list":
      return usable;
  }
}

/** The draft of a filter. Raises TypeError if it is not a filter. */
export function draftOf(filter: Filter | undefined): Junction {
  const items = (filter?.expressions ?? []).map((each) => draftOfExpression(each, false));
  const operator = filter?.operator === "or" ? "or" : "and";
  return newJunction(items, operator);
}

function draftOfExpression(expression: Expression, isNegated: boolean): Draft {
  if ("not" in expression) return draftOfExpression(expression.not, !isNegated);
  if ("expressions" in expression) return { ...draftOf(expression), isNegated };
  const { field, operand } = expression;
  if (typeof field !== "string" || !isOperand(operand)) throw new TypeError("This is not a filter.");
  const value: unknown = "value" in expression ? expression.value : undefined;
  const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
  const texts = values.map((each: unknown) => (each === null ? null : exactText(each)));
  return { kind: "condition", id: nextId(), isNegated, field, operand, values: texts };
}

/** The filter of a draft, without empty groups; undefined if nothing is left. */
export function filterOf(draft: Junction, columns: readonly Column[]): Filter | undefined {
  const expressions = draft.items.flatMap((item) => expressionOf(item, columns) ?? []);
  if (expressions.length === 0) return undefined;
  const filter = { expressions, operator: draft.operator };
  return draft.isNegated ? { expressions: [{ not: filter }] } : filter;
}

function expressionOf(draft: Draft, columns: readonly Column[]): Expression | undefined {
  const inner =
    draft.kind === "condition"
      ? comparisonOf(draft, columns)
      : (filterOf({ ...draft, isNegated: false }, columns) as Expression | undefined);
  return inner !== undefined && draft.isNegated ? { not: inner } : inner;
}

function comparisonOf({ field, operand, values }: Condition, columns: readonly Column[]): Comparison {
  const column = columns.find(({ name }) => name === field);
  const typed = values.map((value) => valueOf(value, column));
  const { takes } = OPERATORS[operand];
  const comparison =
    takes === "nothing"
      ? { field, operand }
      : { field, operand, value: takes === "one" ? (typed[0] ?? null) : typed };
  return comparison as Comparison;
}

/** A value as the API takes it. Numbers stay texts, which the API reads exactly; it refuses what is none. */
function valueOf(value: DraftValue, column: Column | undefined): string | boolean | null {
  if (value === null) return null;
  if (column?.type === "boolean" && (value === "true" || value === "false")) return value === "true";
  return value;
}

export function changed(draft: Junction, id: number, change: (item: Draft) => Draft | null): Junction {
  const items = draft.items.flatMap((item): Draft[] => {
    if (item.id === id) {
      const after = change(item);
      return after === null ? [] : [after];
    }
    return [item.kind === "junction" ? changed(item, id, change) : item];
  });
  return { ...draft, items };
}

export function countOf(filter: Filter | undefined): number {
  const count = (expression: Expression): number =>
    "not" in expression ? count(expression.not) : "expressions" in expression ? countOf(expression) : 1;
  return (filter?.expressions ?? []).reduce((sum, each) => sum + count(each), 0);
}
