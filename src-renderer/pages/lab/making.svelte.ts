/** An adapter that the lab makes: where it shall go, how far it is, and what came of it. */
import { api, type AdapterView, type LabEvent, type LabMade, type LabPlace } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import { streamOptions, type Failure } from '../../lib/stream.ts';
import { paceOf, type LabPace } from '../../lab/looking.svelte.ts';

export class Making {
  into = $state<'catalogue' | 'folder'>('catalogue');
  name = $state('');
  taskName = $state('');
  outDir = $state('');
  measuresLoss = $state(true);
  pace = $state.raw<LabPace | undefined>();
  made = $state.raw<LabMade | undefined>();
  failure = $state.raw<Failure | undefined>();
  readonly acting = new Action();
  readonly busy = $derived(this.pace !== undefined || this.acting.busy);
  readonly complete = $derived(
    this.into === 'folder' ? this.outDir.trim() !== '' : this.name.trim() !== '' && this.taskName.trim() !== '',
  );
  #job: string | undefined;
  #end: (() => void) | undefined;
  #onMade: () => void;

  /** `onMade`: told when a new adapter is in the catalogue. */
  constructor(onMade: () => void) {
    this.#onMade = onMade;
  }

  /** Names of what is made of this adapter, as a start. */
  suggest({ name, taskName }: Pick<AdapterView, 'name' | 'taskName'>, suffix: string): void {
    this.name = `${name}, ${suffix}`;
    this.taskName = taskName;
  }

  async start(begin: (place: LabPlace) => Promise<{ job: string }>): Promise<void> {
    if (this.busy) return;
    this.failure = undefined;
    this.made = undefined;
    const { into, name, taskName, outDir } = this;
    const started = await this.acting.run(() => begin(into === 'folder' ? { outDir } : { name, taskName }));
    if (started) this.#watch(started.job);
  }

  async cancel(): Promise<void> {
    const job = this.#job;
    if (job !== undefined) await this.acting.run(() => api.lab.cancel.mutate({ job }));
  }

  close(): void {
    this.#end?.();
  }

  #watch(job: string): void {
    this.#job = job;
    this.pace = { waiting: true, done: 0, total: 1, leftMs: null };
    const over = (): void => {
      this.pace = undefined;
      this.#end = undefined;
    };
    const handlers = {
      data: (event: LabEvent<LabMade>) => {
        if (event.type === 'done') {
          this.made = event.result;
          if (event.result.adapterId !== null) this.#onMade();
        } else if (event.type !== 'failed') this.pace = paceOf(event);
      },
      failed: (_sentence: string, failure: Failure) => {
        this.failure = failure.code === 'CANCELLED' ? undefined : failure;
        over();
      },
      done: over,
    };
    const subscription = api.lab.watch.subscribe(
      { job },
      streamOptions(handlers, () => this.#end?.()),
    );
    this.#end = () => subscription.unsubscribe();
  }
}
