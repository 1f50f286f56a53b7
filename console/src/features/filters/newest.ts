export type Edit = (parameters: URLSearchParams) => URLSearchParams;

/** The newest parameters. The router shows new ones some time after they are set, and those of an earlier change
 * after a later change: the later one must not be forgotten then. */
export class Newest {
  /** What was set and is not shown yet. */
  private pending: string[] = [];

  constructor(private parameters: URLSearchParams) {}

  edit(wanted: Edit): URLSearchParams {
    this.parameters = wanted(this.parameters);
    this.pending.push(this.parameters.toString());
    return this.parameters;
  }

  /** Takes over what is shown, unless it was set here. */
  shown(parameters: URLSearchParams): void {
    const at = this.pending.lastIndexOf(parameters.toString());
    this.pending = at < 0 ? [] : this.pending.slice(at + 1);
    if (this.pending.length === 0) this.parameters = parameters;
  }
}
