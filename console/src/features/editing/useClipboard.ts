import { useEffect, useRef } from "react";

interface ClipboardActions {
  /** The text of the selected cells; undefined: there is none yet. */
  copied: () => string | undefined;
  /** Called after the cells were copied to be removed. */
  onCut: () => void;
  onPaste: (text: string) => void;
}

/** Listens to copy, cut and paste while the grid has the focus. Without selected text, some browsers send these
 * events to the page instead of the grid. */
export function useClipboard(actions: ClipboardActions): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    function onClipboard(event: ClipboardEvent): void {
      if (document.activeElement?.getAttribute("role") !== "grid") return;
      event.preventDefault();
      if (event.type === "paste") {
        latest.current.onPaste(event.clipboardData?.getData("text/plain") ?? "");
        return;
      }
      const text = latest.current.copied();
      if (text === undefined) return;
      event.clipboardData?.setData("text/plain", text);
      if (event.type === "cut") latest.current.onCut();
    }
    const types = ["copy", "cut", "paste"] as const;
    for (const type of types) document.addEventListener(type, onClipboard);
    return () => {
      for (const type of types) document.removeEventListener(type, onClipboard);
    };
  }, []);
}
