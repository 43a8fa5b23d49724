/** Ends a streamed text at the first stop string, and never lets part of one through. */
export class StopText {
  private readonly stops: string[];
  private held = '';
  /** True once a stop string has been seen; everything after it is dropped. */
  stopped = false;

  constructor(stops: string[]) {
    this.stops = stops.filter((stop) => stop !== '');
  }

  /** Returns what of the text so far may be shown now. */
  push(text: string): string {
    if (this.stopped) return '';
    this.held += text;
    const found = this.stops.map((stop) => this.held.indexOf(stop)).filter((at) => at >= 0);
    if (found.length) {
      this.stopped = true;
      return this.take(Math.min(...found));
    }
    return this.take(this.held.length - this.heldBack());
  }

  /** The rest, when generation has ended without a stop string. */
  end(): string {
    return this.stopped ? '' : this.take(this.held.length);
  }

  private take(length: number): string {
    const text = this.held.slice(0, length);
    this.held = this.held.slice(length);
    return text;
  }

  /** Length of the longest end of the held text that could be the beginning of a stop string. */
  private heldBack(): number {
    let longest = 0;
    for (const stop of this.stops) {
      for (let n = Math.min(stop.length - 1, this.held.length); n > longest; n--) {
        if (this.held.endsWith(stop.slice(0, n))) longest = n;
      }
    }
    return longest;
  }
}
