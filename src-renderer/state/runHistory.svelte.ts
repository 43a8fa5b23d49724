/** What a run has said and written on its way: sample texts and log, first what is recorded, then what comes. */
import { api, type LogLine, type RunEvent, type Sample } from '../api.ts';
import { Action } from './action.svelte.ts';

/** Least pause between two readings of the log. */
const LOG_EVERY_MS = 1500;

export class RunHistory {
  readonly id: string;
  prompts = $state.raw<string[]>([]);
  samples = $state.raw<Sample[]>([]);
  log = $state.raw<LogLine[]>([]);
  /** Steps of the checkpoints that are kept, rising. */
  checkpoints = $state.raw<number[]>([]);
  readonly reading = new Action();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(id: string) {
    this.id = id;
  }

  async open(): Promise<void> {
    const { id } = this;
    const read = await this.reading.run(() => Promise.all([api.runs.samples.query({ id }), api.runs.log.query({ id }), api.runs.checkpoints.query({ id })]));
    if (!read) return;
    const [{ prompts, samples }, log, checkpoints] = read;
    this.prompts = prompts;
    this.samples = samples;
    this.log = log;
    this.checkpoints = checkpoints.map(({ step }) => step);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** A live event; a sample of the same step replaces the one there is. */
  take = (event: RunEvent): void => {
    // The log is written where the run is recorded; most events but steps add a line to it.
    if (event.type !== 'step') this.#readLogSoon();
    if (event.type === 'sample') this.samples = [...this.samples.filter(({ step }) => step < event.step), { step: event.step, texts: event.texts }];
    else if (event.type === 'checkpoint') this.checkpoints = [...this.checkpoints.filter((step) => step < event.step), event.step];
    else if (event.type === 'started') this.samples = this.samples.filter(({ step }) => step <= event.resumedFrom);
  };

  #readLogSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // A page that Graft no longer answers says so already; the lines come with the next reading.
      const after = this.log.at(-1)?.id ?? 0;
      api.runs.log.query({ id: this.id, after }).then((lines) => (this.log = [...this.log.filter(({ id }) => id <= after), ...lines]), () => undefined);
    }, LOG_EVERY_MS);
  }

  /** Step of the newest kept checkpoint before `step`; 0 where there is none. */
  checkpointBefore(step: number): number {
    return this.checkpoints.findLast((kept) => kept < step) ?? 0;
  }
}
