/** The state of an editor of a definition: a form and a text that show the same, and what is wrong with it. */
import { useState } from "react";
import { messageOf } from "../../api/errors";
import { parseExact } from "../../api/exactJson";
import { brokenAt, type Span, spanOf, textOf } from "./json";
import { type Problem, problemsOf } from "./problems";

export type Mode = "form" | "json";

interface FormKind<D> {
  bodyOf: (draft: D) => object;
  /** Throws TypeError for what the form cannot show. */
  draftOf: (value: unknown) => D;
}

export interface Content {
  text: string;
  value: Record<string, unknown>;
}

export function useEditor<D>(initial: D, kind: FormKind<D>) {
  const [draft, setDraft] = useState(initial);
  const [mode, setMode] = useState<Mode>("form");
  const [text, setText] = useState("");
  const [problems, setProblems] = useState<Problem[]>([]);
  const [selected, setSelected] = useState<Span>();
  const [isChanged, setChanged] = useState(false);

  function fail(error: unknown): void {
    setProblems(problemsOf(error));
    if (mode === "json") setSelected(brokenAt(text, error));
  }

  /** What is edited, as it is sent; undefined, with a problem that is shown, if it is not complete. */
  function content(): Content | undefined {
    setProblems([]);
    try {
      const sent = mode === "json" ? text : textOf(kind.bodyOf(draft));
      const value: unknown = parseExact(sent);
      if (typeof value !== "object" || value === null || Array.isArray(value))
        throw new TypeError("A definition must be a JSON object.");
      return { text: sent, value: value as Record<string, unknown> };
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  return {
    draft,
    mode,
    text,
    problems,
    selected,
    isChanged,
    fail,
    content,
    setDraft: (next: D) => {
      setDraft(next);
      setChanged(true);
    },
    setText: (next: string) => {
      setText(next);
      setSelected(undefined);
      setChanged(true);
    },
    /** Starts with another draft. */
    start: (next: D, isOwn: boolean) => {
      setDraft(next);
      setText(textOf(kind.bodyOf(next)));
      setProblems([]);
      setChanged(isOwn);
    },
    /** Shows the same as a form or as a text, if it can be. */
    switchTo: (next: Mode) => {
      setSelected(undefined);
      try {
        if (next === "json") setText(textOf(kind.bodyOf(draft)));
        else setDraft(kind.draftOf(parseExact(text)));
        setProblems([]);
        setMode(next);
      } catch (error) {
        setProblems([{ text: messageOf(error), pointer: "", rows: [], count: 0 }]);
        if (mode === "json") setSelected(brokenAt(text, error));
      }
    },
    /** Selects the place of a problem in the text. */
    goTo: (pointer: string) => {
      if (mode === "json") setSelected(spanOf(text, pointer));
    },
  };
}
