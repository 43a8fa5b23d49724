/** The sample texts and the log of a run: first those recorded, then live ones. */
import { api, type LogLine, type Sample, type WatchEvent } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';

/** Least pause between two readings of the log. */
const LOG_EVERY_MS = 1500;
/** Texts that come faster are shown together: each makes the page lay the table out. */
const SAMPLES_EVERY_MS = 250;

export class RunHistory {
  readonly id: string;
  prompts = $state.raw<string[]>([]);
  samples = $state.raw<Sample[]>([]);
  log = $state.raw<LogLine[]>([]);
  /** Steps of the run states that are kept, ascending. */
  checkpoints = $state.raw<number[]>([]);
  readonly reading = new Action();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #showing: ReturnType<typeof setTimeout> | undefined;
  /** Samples that have come and are not shown yet. */
  #waiting: Sample[] = [];

  constructor(id: string) {
    this.id = id;
  }

  async open(): Promise<void> {
    const { id } = this;
    const read = await this.reading.run(() =>
      Promise.all([api.runs.samples.query({ id }), api.runs.log.query({ id }), api.runs.checkpoints.query({ id })]),
    );
    if (!read) return;
    const [{ prompts, samples }, log, checkpoints] = read;
    this.prompts = prompts;
    // What came live while this was read is newer.
    const [lastSample, lastState] = [samples.at(-1)?.step ?? -1, checkpoints.at(-1)?.step ?? -1];
    this.samples = [...samples, ...this.samples.filter(({ step }) => step > lastSample)];
    this.log = log;
    this.checkpoints = [...checkpoints.map(({ step }) => step), ...this.checkpoints.filter((step) => step > lastState)];
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#showing);
  }

  /** A live event; a sample of the same step replaces the one there is. */
  take = (event: WatchEvent): void => {
    if (event.type === 'loading') return;
    // The log is written where the run is recorded; most events but steps add a line to it.
    if (event.type !== 'steps') this.#readLogSoon();
    if (event.type === 'sample') this.#addSample({ step: event.step, texts: event.texts, losses: event.losses });
    else if (event.type === 'checkpoint')
      this.checkpoints = [...this.checkpoints.filter((step) => step < event.step), event.step];
    else if (event.type === 'started') this.#dropSamplesAfter(event.resumedFrom);
  };

  #addSample(sample: Sample): void {
    this.#waiting.push(sample);
    this.#showing ??= setTimeout(() => {
      this.#showing = undefined;
      for (const next of this.#waiting.splice(0))
        this.samples = [...this.samples.filter(({ step }) => step < next.step), next];
    }, SAMPLES_EVERY_MS);
  }

  #dropSamplesAfter(last: number): void {
    this.#waiting = this.#waiting.filter(({ step }) => step <= last);
    this.samples = this.samples.filter(({ step }) => step <= last);
  }

  #readLogSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // A page that Graft no longer answers says so already; the lines come with the next reading.
      const after = this.log.at(-1)?.id ?? 0;
      api.runs.log.query({ id: this.id, after }).then(
        (lines) => (this.log = [...this.log.filter(({ id }) => id <= after), ...lines]),
        () => undefined,
      );
    }, LOG_EVERY_MS);
  }

  /** Step of the newest kept run state before `step`; 0 where there is none. */
  stateBefore(step: number): number {
    return this.checkpoints.findLast((kept) => kept < step) ?? 0;
  }
}
