/** What the buttons of a run do: control it, start it again, try what it has learned, remove it. */
import { api, type RunView } from '../../lib/api.ts';
import { startAgain, type Changes } from './nextSteps.ts';
import { Action } from '../../lib/action.svelte.ts';
import { freshName } from '../../../src-shared/freshName.ts';
import { router } from '../../lib/router.svelte.ts';
import { toasts } from '../../lib/toasts.svelte.ts';
import type { WatchedRun } from './watchedRun.svelte.ts';

export class RunControl {
  readonly action = new Action();
  #watched: WatchedRun;

  constructor(watched: WatchedRun) {
    this.#watched = watched;
  }

  pause = (): Promise<void> => this.#ask((id) => api.runs.pause.mutate({ id }));
  continue = (): Promise<void> => this.#askAndWatch((id) => api.runs.continue.mutate({ id }));
  stop = (): Promise<void> => this.#ask((id) => api.runs.stop.mutate({ id }));
  resume = (): Promise<void> => this.#askAndWatch((id) => api.runs.resume.mutate({ id }));
  rename = (name: string): Promise<void> => this.#ask((id) => api.runs.rename.mutate({ id, name }));

  archive = (archived: boolean): Promise<void> =>
    this.#ask((id) => api.runs.archive.mutate({ ids: [id], archived }).then(([run]) => run!));

  /** Sets tags or notes; true when they are saved. */
  async annotate(changes: { tags?: string[]; notes?: string }): Promise<boolean> {
    await this.#ask((id) => api.runs.annotate.mutate({ id, ...changes }));
    return this.action.failure === undefined;
  }

  /** Starts the same run once more, with these changes, and opens it. */
  async again(run: RunView, changes: Changes): Promise<void> {
    const request = startAgain(run, changes);
    if (!request) {
      toasts.show({
        text: 'The model or the dataset of this run has left the catalogue; add it again, then start a new run.',
        tone: 'bad',
      });
      return;
    }
    const started = await this.action.run(async () => {
      const names = (await api.runs.list.query()).map(({ name }) => name);
      return api.runs.start.mutate({ ...request, name: freshName(run.name, names) });
    });
    if (started) router.go('runs', started.id);
  }

  /** Trains it further from where it ended, as a new run, and opens that. */
  async extend(run: RunView, steps: number): Promise<void> {
    const longer = await this.action.run(() => api.runs.extend.mutate({ id: run.id, steps }));
    if (longer) router.go('runs', longer.id);
  }

  /** Loads the half-trained adapter into the playground and goes there. */
  async tryOut(): Promise<void> {
    const { id } = this.#watched;
    const attached = await this.action.run(() => api.playground.attachRun.mutate({ runId: id }));
    if (attached) router.go('playground', undefined, { run: id });
  }

  async remove(name: string): Promise<void> {
    const { id } = this.#watched;
    const removed = await this.action.run(() => api.runs.remove.mutate({ id }).then(() => true));
    if (!removed) return;
    toasts.show({ text: `The run ${name} was deleted; its adapter is still in the catalogue.`, tone: 'good' });
    router.go('runs');
  }

  async #ask(work: (id: string) => Promise<RunView>): Promise<void> {
    const run = await this.action.run(() => work(this.#watched.id));
    if (run) this.#watched.run = run;
  }

  /** The run may have ended, and its stream with it. */
  async #askAndWatch(work: (id: string) => Promise<RunView>): Promise<void> {
    await this.#ask(work);
    if (!this.action.failure) await this.#watched.open();
  }
}
