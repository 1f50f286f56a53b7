/** Vertical: which rows are visible, for any number of rows.
 *
 * A browser limits the height of an element to some 30 million pixels. Above MAX_HEIGHT, the scroll bar is
 * scaled: a large movement jumps to its share of the rows, a small one scrolls by as many pixels as it has.
 */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

export const ROW_HEIGHT = 33;
const MAX_HEIGHT = 8_000_000;
const OVERSCAN = 6;
const REST_MS = 150;

interface Place {
  /** The distance from the start of the first row to the top of the visible area, in real pixels. */
  top: number;
  /** The position of the scroll bar that belongs to it. */
  scroll: number;
}

export interface Vertical {
  height: number;
  first: number;
  last: number;
  /** Where a row is in the scrolled element. */
  y: (index: number) => number;
  /** Scrolls so that a row is visible. */
  show: (index: number) => void;
  /** The number of rows of one page. */
  page: number;
}

export function useVertical(element: RefObject<HTMLElement | null>, total: number, header: number): Vertical {
  const [place, setPlace] = useState<Place>({ top: 0, scroll: 0 });
  const [view, setView] = useState(600);
  const current = useRef(place);
  const rest = useRef<number>(undefined);
  const content = total * ROW_HEIGHT;
  const height = Math.min(content, MAX_HEIGHT);
  const maxTop = Math.max(content - view, 0);
  const maxScroll = Math.max(height - view, 0);
  const scale = maxScroll > 0 ? maxTop / maxScroll : 1;

  const set = useCallback((changed: Place) => {
    current.current = changed;
    setPlace(changed);
  }, []);

  /** Moves the scroll bar to where the rows are. */
  const synchronise = useCallback(() => {
    const { top } = current.current;
    set({ top, scroll: top / scale });
    element.current?.scrollTo({ top: top / scale });
  }, [element, scale, set]);

  useEffect(() => {
    const scrolled = element.current;
    if (scrolled === null) return;
    const onScroll = () => {
      const { top, scroll } = current.current;
      const delta = scrolled.scrollTop - scroll;
      if (Math.abs(delta) < 1 && scale !== 1) return;
      const isJump = scale === 1 || Math.abs(delta) > view * 1.5;
      const next = isJump ? scrolled.scrollTop * scale : top + delta;
      set({ top: Math.min(Math.max(next, 0), maxTop), scroll: scrolled.scrollTop });
      if (scale === 1) return;
      window.clearTimeout(rest.current);
      rest.current = window.setTimeout(synchronise, REST_MS);
    };
    scrolled.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      scrolled.removeEventListener("scroll", onScroll);
      window.clearTimeout(rest.current);
    };
  }, [element, maxTop, scale, set, synchronise, view]);

  useLayoutEffect(() => {
    const scrolled = element.current;
    if (scrolled === null) return;
    const measure = () => setView(Math.max(scrolled.clientHeight - header, ROW_HEIGHT));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(scrolled);
    return () => observer.disconnect();
  }, [element, header]);

  const show = useCallback(
    (index: number) => {
      const start = index * ROW_HEIGHT;
      const { top } = current.current;
      const next = start < top ? start : Math.max(top, start + ROW_HEIGHT - view);
      if (next === top) return;
      set({ top: Math.min(next, maxTop), scroll: current.current.scroll });
      synchronise();
    },
    [maxTop, set, synchronise, view],
  );

  const top = Math.min(place.top, maxTop);
  const shift = scale === 1 ? 0 : place.scroll - top;
  return {
    height,
    first: Math.max(Math.floor(top / ROW_HEIGHT) - OVERSCAN, 0),
    last: Math.min(Math.ceil((top + view) / ROW_HEIGHT) + OVERSCAN, total) - 1,
    y: (index) => index * ROW_HEIGHT + shift,
    show,
    page: Math.max(Math.floor(view / ROW_HEIGHT) - 1, 1),
  };
}
