import { useCallback, useEffect, useRef } from "react";
import { CONSOLE_PATH } from "../../app/place";

/** What a tab says to the others: somebody has signed in, or out. */
type Message = "out" | { in: string };

interface Handlers {
  onIn: (userId: string) => void;
  onOut: () => void;
}

/** Other tabs of this console have the same cookie. Returns how to tell them something. */
export function useOtherTabs(handlers: Handlers): (message: Message) => void {
  const channel = useRef<BroadcastChannel | null>(null);
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    const opened = new BroadcastChannel(`rowkeep session ${CONSOLE_PATH}`);
    opened.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data === "out") latest.current.onOut();
      else latest.current.onIn(data.in);
    };
    channel.current = opened;
    return () => opened.close();
  }, []);
  return useCallback((message) => channel.current?.postMessage(message), []);
}
