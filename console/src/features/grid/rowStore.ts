/** Rows of one selection, of which only the blocks near the visible rows are in memory.
 *
 * A block that follows a loaded one is read by its cursor, any other one by its offset, so scrolling costs the
 * same anywhere in a table, and a jump costs one request.
 */
import { messageOf } from "../../api/errors";
import type { Row } from "../../api/types";
import type { Page, Position } from "./rowQueries";

export const BLOCK = 100;
const MAX_BLOCKS = 200;
const MAX_REQUESTS = 2;
const MAX_EDITED = 1000;

export interface RowReader {
  page: (limit: number, position: Position, signal: AbortSignal) => Promise<Page>;
  count: (signal: AbortSignal) => Promise<number>;
}

interface Block {
  rows: Row[];
  nextCursor?: string;
}

export class RowStore {
  /** Blocks by number, the most recently used last. */
  private readonly blocks = new Map<number, Block>();
  private readonly requests = new Map<number, AbortController>();
  /** Rows as the last edits left them: a response that was on its way meanwhile has older versions. */
  private readonly edited = new Map<unknown, Row>();
  private readonly listeners = new Set<() => void>();
  private ended = new AbortController();
  private visible: readonly [number, number] = [0, 0];
  private wanted: readonly [number, number] = [0, 0];
  private counted: number | undefined;
  private seen = 0;
  private mustCount = true;
  private failure: string | undefined;
  private version = 0;

  constructor(private readonly reader: RowReader) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** A number that changes with every change of the rows. */
  readonly getVersion = (): number => this.version;

  /** The number of rows; before they are counted, the number that is known to exist. */
  get total(): number {
    return this.counted ?? this.seen;
  }

  get isCounted(): boolean {
    return this.counted !== undefined;
  }

  get error(): string | undefined {
    return this.failure;
  }

  get isLoading(): boolean {
    return this.requests.size > 0;
  }

  /** Whether the first rows are there, or there are none. */
  get isStarted(): boolean {
    return this.blocks.size > 0;
  }

  row(index: number): Row | undefined {
    return this.blocks.get(Math.floor(index / BLOCK))?.rows[index % BLOCK];
  }

  /** Reads the visible rows; then counts all of them, which must not delay the first ones. */
  start(): void {
    if (this.ended.signal.aborted) this.ended = new AbortController();
    this.mustCount = true;
    if (this.isStarted) this.count();
    this.want(...this.visible);
  }

  private count(): void {
    const { signal } = this.ended;
    this.mustCount = false;
    this.reader.count(signal).then(
      (count) => {
        if (signal.aborted) return;
        this.counted = Math.max(count, this.seen);
        this.changed();
        this.loadWanted();
      },
      (error: unknown) => {
        if (signal.aborted) return;
        this.mustCount = true;
        this.failed(error);
      },
    );
  }

  /** Ends all requests. */
  stop(): void {
    this.ended.abort();
    for (const request of this.requests.values()) request.abort();
    this.requests.clear();
  }

  /** Loads the rows from first to last. Requests for rows that nobody looks at any more are cancelled. */
  want(first: number, last: number): void {
    this.visible = [first, last];
    this.wanted = [Math.floor(Math.max(first, 0) / BLOCK), Math.floor(Math.max(last, 0) / BLOCK)];
    if (this.failure !== undefined) return;
    for (const [block, request] of this.requests) {
      if (block !== 0 && !this.isWanted(block)) {
        request.abort();
        this.requests.delete(block);
      }
    }
    this.loadWanted();
  }

  /** Tries what has failed once more. */
  retry(): void {
    this.failure = undefined;
    if (this.mustCount && this.isStarted) this.count();
    this.loadWanted();
    this.changed();
  }

  /** Reads everything again, after rows were added or removed. */
  refresh(): void {
    this.stop();
    this.blocks.clear();
    this.seen = 0;
    this.failure = undefined;
    this.start();
    this.changed();
  }

  /** Puts rows as the server returned them in the place of older versions of them. */
  update(rows: readonly Row[]): void {
    const versions = new Map(rows.map((row) => [row._id, row]));
    for (const block of this.blocks.values()) {
      if (block.rows.some(({ _id }) => versions.has(_id)))
        block.rows = block.rows.map((row) => versions.get(row._id) ?? row);
    }
    for (const [id, row] of versions) {
      this.edited.delete(id);
      this.edited.set(id, row);
    }
    for (const id of this.edited.keys()) {
      if (this.edited.size <= MAX_EDITED) break;
      this.edited.delete(id);
    }
    this.changed();
  }

  /** The rows from first to last, as far as there are any; those that are not in memory from the server. */
  async read(first: number, last: number): Promise<Row[]> {
    const found: Row[] = [];
    for (let block = Math.floor(first / BLOCK); block * BLOCK <= last; block++) {
      if (!this.blocks.has(block)) this.loaded(block, await this.page(block, this.ended.signal));
      const { rows, nextCursor } = this.blocks.get(block) ?? { rows: [] };
      found.push(...rows.slice(Math.max(first - block * BLOCK, 0), last - block * BLOCK + 1));
      if (nextCursor === undefined) break;
    }
    return found;
  }

  private isWanted(block: number): boolean {
    return this.wanted[0] - 1 <= block && block <= this.wanted[1] + 1;
  }

  private loadWanted(): void {
    const [first, last] = this.wanted;
    for (let block = first; block <= last; block++) {
      const known = this.blocks.get(block);
      if (known !== undefined) {
        this.blocks.delete(block);
        this.blocks.set(block, known);
      } else if (this.requests.size < MAX_REQUESTS && this.exists(block)) {
        void this.load(block);
      }
    }
  }

  private exists(block: number): boolean {
    return !this.requests.has(block) && (block === 0 || block * BLOCK < this.total);
  }

  private async load(block: number): Promise<void> {
    const request = new AbortController();
    this.requests.set(block, request);
    try {
      const page = await this.page(block, request.signal);
      if (this.requests.get(block) !== request) return;
      this.requests.delete(block);
      this.loaded(block, page);
    } catch (error) {
      if (request.signal.aborted) return;
      this.requests.delete(block);
      this.failed(error);
    }
  }

  private page(block: number, signal: AbortSignal): Promise<Page> {
    const cursor = this.blocks.get(block - 1)?.nextCursor;
    return this.reader.page(BLOCK, cursor === undefined ? { offset: block * BLOCK } : { cursor }, signal);
  }

  private loaded(block: number, page: Page): void {
    const { nextCursor, hasMore } = page;
    const rows = page.rows.map((row) => this.newest(row));
    this.blocks.set(block, nextCursor === undefined ? { rows } : { rows, nextCursor });
    const end = block * BLOCK + rows.length;
    this.seen = Math.max(this.seen, hasMore ? end + 1 : end);
    if (!hasMore && (rows.length > 0 || block === 0)) {
      this.counted = end;
      this.mustCount = false;
    } else if (this.counted !== undefined) this.counted = Math.max(this.counted, this.seen);
    if (this.mustCount) this.count();
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= MAX_BLOCKS) break;
      if (!this.isWanted(oldest)) this.blocks.delete(oldest);
    }
    this.changed();
    this.loadWanted();
  }

  private newest(row: Row): Row {
    const edited = this.edited.get(row._id);
    return edited !== undefined && String(edited.Updated_On) > String(row.Updated_On) ? edited : row;
  }

  private failed(error: unknown): void {
    this.failure = messageOf(error);
    this.changed();
  }

  private changed(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }
}
