/** What a run has said and written on its way: sample texts and log, first what is recorded, then what comes. */
import { api, type LogEntry, type RunEvent, type Sample } from '../api.ts';
import { Action } from './action.svelte.ts';

export class RunHistory {
  readonly id: string;
  prompts = $state.raw<string[]>([]);
  samples = $state.raw<Sample[]>([]);
  log = $state.raw<LogEntry[]>([]);
  /** Steps of the checkpoints that are kept, rising. */
  checkpoints = $state.raw<number[]>([]);
  readonly reading = new Action();

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

  /** A live event; a sample of the same step replaces the one there is. */
  take = (event: RunEvent): void => {
    if (event.type === 'log') this.log = [...this.log, { atMs: Date.now(), message: event.message }];
    else if (event.type === 'sample') this.samples = [...this.samples.filter(({ step }) => step < event.step), { step: event.step, texts: event.texts }];
    else if (event.type === 'checkpoint') this.checkpoints = [...this.checkpoints.filter((step) => step < event.step), event.step];
    else if (event.type === 'started') this.samples = this.samples.filter(({ step }) => step <= event.resumedFrom);
  };

  /** Step of the newest kept checkpoint before `step`; 0 where there is none. */
  checkpointBefore(step: number): number {
    return this.checkpoints.findLast((kept) => kept < step) ?? 0;
  }
}
