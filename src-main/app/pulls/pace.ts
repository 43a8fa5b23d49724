/** How fast bytes come: over the last seconds, so that a slow start or a pause is soon forgotten. */

const WINDOW_MS = 5000;

export class Pace {
  #seen: { atMs: number; bytes: number }[] = [];

  /** Bytes a second at this moment, when so many are done in all; null before anything can be said. */
  at(bytes: number, nowMs: number): number | null {
    this.#seen.push({ atMs: nowMs, bytes });
    while (this.#seen.length > 2 && nowMs - this.#seen[0]!.atMs > WINDOW_MS) this.#seen.shift();
    const first = this.#seen[0]!;
    const elapsedMs = nowMs - first.atMs;
    return elapsedMs > 0 && bytes > first.bytes ? (1000 * (bytes - first.bytes)) / elapsedMs : null;
  }
}
