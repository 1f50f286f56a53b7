/** Drag-scroll: a selection that is dragged to an edge of the grid goes on beyond it. */
import { type RefObject, useEffect, useRef } from "react";
import type { ActiveCell } from "./parts";

const TICK_MS = 60;
/** As near to an edge as this, the grid begins to scroll: it can end at the edge of the screen. */
const EDGE = 14;
/** One more row at a time for each so many pixels beyond the edge. */
const PIXELS_PER_ROW = 25;
const MAX_ROWS = 20;

/** What is around the cells that scroll. */
export interface Insets {
  top: number;
  left: number;
}

/** How many rows and columns a selection grows by at each tick, for a pointer at this place. */
export function stepsBeyond(
  x: number,
  y: number,
  { left, right, top, bottom }: { left: number; right: number; top: number; bottom: number },
): { rows: number; columns: number } {
  const speed = (distance: number) =>
    Math.min(1 + Math.floor(Math.max(distance, 0) / PIXELS_PER_ROW), MAX_ROWS);
  const rows = y > bottom - EDGE ? speed(y - bottom) : y < top + EDGE ? -speed(top - y) : 0;
  const columns = x > right - EDGE ? 1 : x < left + EDGE ? -1 : 0;
  return { rows, columns };
}

/** Extends the selection while the pointer is held at an edge of the grid or beyond it. */
export function useDragScroll(
  element: RefObject<HTMLElement | null>,
  insets: Insets,
  active: ActiveCell,
  onExtend: (cell: ActiveCell) => void,
): void {
  const latest = useRef({ insets, active, onExtend });
  useEffect(() => {
    latest.current = { insets, active, onExtend };
  });
  useEffect(() => {
    const scrolled = element.current;
    if (scrolled === null) return;
    let pointer: { x: number; y: number } | undefined;
    let timer: number | undefined;
    let hasMoved = false;
    let startX = 0;

    function tick(): void {
      if (scrolled === null || pointer === undefined || !hasMoved) return;
      const { insets: around, active: cell, onExtend: extend } = latest.current;
      const box = scrolled.getBoundingClientRect();
      const left = box.left + around.left;
      const beyond = stepsBeyond(pointer.x, pointer.y, {
        left,
        right: box.left + scrolled.clientWidth,
        top: box.top + around.top,
        bottom: box.top + scrolled.clientHeight,
      });
      const { rows } = beyond;
      // a selection in pinned columns is left of those that scroll, and stays there
      const canScroll =
        beyond.columns < 0
          ? scrolled.scrollLeft > 0 && startX >= left
          : scrolled.scrollLeft + scrolled.clientWidth < scrolled.scrollWidth;
      const columns = canScroll ? beyond.columns : 0;
      // a selection of whole rows has no width that could grow
      const column = cell.column === 0 ? 0 : Math.max(cell.column + columns, 1);
      if (rows !== 0 || column !== cell.column) extend({ row: Math.max(cell.row + rows, 0), column });
    }
    function onDown(event: PointerEvent): void {
      const isCell = (event.target as Element).closest("[role=gridcell], [role=rowheader]") !== null;
      if (event.button !== 0 || event.pointerType === "touch" || !isCell) return;
      pointer = { x: event.clientX, y: event.clientY };
      startX = event.clientX;
      hasMoved = false;
      window.clearInterval(timer);
      timer = window.setInterval(tick, TICK_MS);
    }
    function onMove(event: PointerEvent): void {
      if (pointer === undefined) return;
      if ((event.buttons & 1) === 0 || document.activeElement !== scrolled) {
        onUp();
        return;
      }
      // a press at the edge that is no drag scrolls nothing
      hasMoved ||= Math.hypot(event.clientX - pointer.x, event.clientY - pointer.y) > 3;
      pointer = hasMoved ? { x: event.clientX, y: event.clientY } : pointer;
    }
    function onUp(): void {
      pointer = undefined;
      window.clearInterval(timer);
    }
    scrolled.addEventListener("pointerdown", onDown);
    window.addEventListener("pointermove", onMove);
    window.addEventListener("pointerup", onUp);
    window.addEventListener("pointercancel", onUp);
    return () => {
      onUp();
      scrolled.removeEventListener("pointerdown", onDown);
      window.removeEventListener("pointermove", onMove);
      window.removeEventListener("pointerup", onUp);
      window.removeEventListener("pointercancel", onUp);
    };
  }, [element]);
}
