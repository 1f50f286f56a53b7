import { Textarea } from "@mantine/core";
import { useEffect, useRef } from "react";
import type { Span } from "./json";

interface JsonEditorProps {
  text: string;
  onChange: (text: string) => void;
  /** What is selected and scrolled to. */
  selected: Span | undefined;
}

const LINE_PX = 18;

/** The definition as a text. */
export function JsonEditor({ text, onChange, selected }: JsonEditorProps) {
  const ref = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const area = ref.current;
    if (selected === undefined || area === null) return;
    area.focus();
    area.setSelectionRange(selected.start, selected.end);
    const line = area.value.slice(0, selected.start).split("\n").length;
    area.scrollTop = Math.max(0, (line - 4) * LINE_PX);
  }, [selected]);
  return (
    <Textarea
      ref={ref}
      label="Definition as JSON"
      value={text}
      rows={24}
      spellCheck={false}
      autoComplete="off"
      wrap="off"
      styles={{
        input: {
          fontFamily: "var(--mantine-font-family-monospace)",
          fontSize: 12,
          lineHeight: `${LINE_PX}px`,
        },
      }}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
