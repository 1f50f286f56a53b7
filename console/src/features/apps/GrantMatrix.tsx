import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, useEffect, useRef, useState } from "react";
import {
  type Changes,
  type Granted,
  isAllowed,
  keyOf,
  type Place,
  type Right,
  RIGHTS,
  rightsOf,
  type Thing,
} from "./grants";
import classes from "./GrantMatrix.module.css";
import { type App } from "./queries";

interface GrantMatrixProps {
  apps: readonly App[];
  things: readonly Thing[];
  stored: Granted;
  changes: Changes;
  onSet: (places: readonly Place[], right: Right, value: boolean) => void;
}

const ROW_HEIGHT = 34;
const HEAD_ROWS = 2;
const PAGE = 10;

/** A place in the matrix: row -1 is the header with the rights, which sets all rows at once. */
interface At {
  row: number;
  column: number;
}

/** Rows are tables and views; each app has three columns. Only the visible rows are drawn. */
export function GrantMatrix({ apps, things, stored, changes, onSet }: GrantMatrixProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<At>({ row: 0, column: 0 });
  /** Where the focus goes as soon as that is drawn. */
  const wanted = useRef<At | null>(null);
  const columns = apps.length * RIGHTS.length;
  const row = Math.min(at.row, things.length - 1);
  const column = Math.min(at.column, columns - 1);
  const rows = useVirtualizer({
    count: things.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_HEIGHT,
    scrollPaddingStart: HEAD_ROWS * ROW_HEIGHT,
    overscan: 6,
    // the row with the focus stays
    rangeExtractor: ({ startIndex, endIndex, overscan, count }) => {
      const first = Math.max(startIndex - overscan, 0);
      const last = Math.min(endIndex + overscan, count - 1);
      const range = Array.from({ length: last - first + 1 }, (_, index) => first + index);
      if (row >= 0 && row < first) range.unshift(row);
      if (row > last) range.push(row);
      return range;
    },
  });

  useEffect(() => {
    if (wanted.current === null) return;
    const place = `[data-at="${wanted.current.row} ${wanted.current.column}"]`;
    const cell = frame.current?.querySelector<HTMLElement>(place);
    if (!cell) return;
    wanted.current = null;
    cell.focus();
  });

  function move(event: KeyboardEvent): void {
    const next = moved({ row, column }, event, things.length, columns);
    if (next === undefined) return;
    event.preventDefault();
    wanted.current = next;
    if (next.row >= 0 && next.row !== row) rows.scrollToIndex(next.row);
    setAt(next);
  }

  const width = `calc(var(--first) + ${columns} * var(--part))`;
  return (
    <div
      ref={frame}
      className={classes.matrix}
      role="grid"
      aria-label="Grants"
      aria-rowcount={things.length + HEAD_ROWS}
      aria-colcount={columns + 1}
      onKeyDown={move}
    >
      <div className={classes.head} role="rowgroup" style={{ width }}>
        <div className={classes.row} role="row" aria-rowindex={1}>
          <div className={classes.first} role="columnheader" aria-colindex={1}>
            Table or view
          </div>
          {apps.map((app, index) => (
            <div
              key={app.clientId}
              className={classes.app}
              role="columnheader"
              aria-colindex={index * RIGHTS.length + 2}
              aria-colspan={RIGHTS.length}
              title={`${app.name} (${app.clientId})`}
            >
              <span className={classes.name}>{app.name}</span>
            </div>
          ))}
        </div>
        <div className={classes.row} role="row" aria-rowindex={2}>
          <div className={classes.first} role="columnheader" aria-colindex={1}>
            <span className={classes.name}>All that are shown</span>
          </div>
          {apps.flatMap((app, index) =>
            RIGHTS.map((right, part) => {
              const place = index * RIGHTS.length + part;
              return (
                <div
                  key={`${app.clientId} ${right}`}
                  className={classes.cell}
                  role="columnheader"
                  aria-colindex={place + 2}
                >
                  <button
                    type="button"
                    data-at={`-1 ${place}`}
                    tabIndex={row === -1 && column === place ? 0 : -1}
                    aria-label={`${app.name}: ${right}, all that are shown`}
                    title={`${right}: all that are shown`}
                    onFocus={() => setAt({ row: -1, column: place })}
                    onClick={() => {
                      const places = things
                        .filter((thing) => rightsOf(thing).includes(right))
                        .map((thing) => ({ clientId: app.clientId, thing }));
                      const isAll = places.every((each) => isAllowed(stored, changes, each, right));
                      onSet(places, right, !isAll);
                    }}
                  >
                    {right.charAt(0).toUpperCase()}
                  </button>
                </div>
              );
            }),
          )}
        </div>
      </div>
      <div className={classes.body} role="rowgroup" style={{ width, height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const thing = things[index];
          return thing === undefined ? null : (
            <ThingRow
              key={`${thing.kind} ${thing.name}`}
              thing={thing}
              apps={apps}
              stored={stored}
              changes={changes}
              index={index}
              start={start}
              focused={index === row ? column : undefined}
              onFocus={setAt}
              onSet={onSet}
            />
          );
        })}
      </div>
    </div>
  );
}

interface ThingRowProps extends Pick<GrantMatrixProps, "apps" | "stored" | "changes" | "onSet"> {
  thing: Thing;
  index: number;
  start: number;
  /** The column with the focus, if it is in this row. */
  focused: number | undefined;
  onFocus: (at: At) => void;
}

const ThingRow = memo(function ThingRow(props: ThingRowProps) {
  const { thing, apps, stored, changes, index, start, focused, onFocus, onSet } = props;
  return (
    <div
      className={classes.row}
      role="row"
      aria-rowindex={index + 1 + HEAD_ROWS}
      style={{ transform: `translateY(${start}px)` }}
    >
      <div className={classes.first} role="rowheader" aria-colindex={1} title={thing.name}>
        <span className={classes.name}>{thing.name}</span>
        {thing.kind === "views" && <span>&nbsp;(view)</span>}
      </div>
      {apps.flatMap((app, at) =>
        RIGHTS.map((right, part) => {
          const column = at * RIGHTS.length + part;
          const place = { clientId: app.clientId, thing };
          const isPossible = rightsOf(thing).includes(right);
          const isSet = isPossible && isAllowed(stored, changes, place, right);
          const isChanged = changes.get(keyOf(place))?.rights[right] !== undefined;
          return (
            <div
              key={`${app.clientId} ${right}`}
              className={classes.cell}
              role="gridcell"
              aria-colindex={column + 2}
              data-changed={isChanged || undefined}
            >
              <button
                type="button"
                role="checkbox"
                aria-checked={isSet}
                aria-disabled={!isPossible || undefined}
                aria-label={`${app.name}: ${right} ${thing.name}`}
                data-at={`${index} ${column}`}
                tabIndex={focused === column ? 0 : -1}
                onFocus={() => onFocus({ row: index, column })}
                onClick={() => {
                  if (isPossible) onSet([place], right, !isSet);
                }}
              >
                {isSet ? "✓" : isPossible ? "" : "–"}
              </button>
            </div>
          );
        }),
      )}
    </div>
  );
});

/** Where a key goes; undefined for keys that go nowhere. */
function moved({ row, column }: At, event: KeyboardEvent, rows: number, columns: number): At | undefined {
  const isFar = event.ctrlKey || event.metaKey;
  const inRows = (to: number) => ({ row: Math.min(Math.max(to, -1), rows - 1), column });
  const inColumns = (to: number) => ({ row, column: Math.min(Math.max(to, 0), columns - 1) });
  switch (event.key) {
    case "ArrowUp":
      return inRows(isFar ? -1 : row - 1);
    case "ArrowDown":
      return inRows(isFar ? rows : row + 1);
    case "PageUp":
      return inRows(row - PAGE);
    case "PageDown":
      return inRows(row + PAGE);
    case "ArrowLeft":
      return inColumns(column - (isFar ? RIGHTS.length : 1));
    case "ArrowRight":
      return inColumns(column + (isFar ? RIGHTS.length : 1));
    case "Home":
      return isFar ? { row: 0, column: 0 } : inColumns(0);
    case "End":
      return isFar ? { row: rows - 1, column: columns - 1 } : inColumns(columns);
    default:
      return undefined;
  }
}
