/** Models and adapters fetched from Hugging Face's hub, each into its cache and from there into the catalogue. */
import path from 'node:path';
import type { PullEvent, PullPlan, PullView } from '../../../src-shared/pulls.ts';
import { GraftError, toErrorData, usageError } from '../../../src-shared/errors.ts';
import { hubCacheDir } from '../../hub/cache.ts';
import { assertSecret, hubEndpoint, throwIfCancelled } from '../../hub/connection.ts';
import { discardParts, planPull, runPull, type PullOptions, type PullWork } from '../../hub/pull.ts';
import { readSource, sourceText } from '../../hub/source.ts';
import type { TokenStore } from '../../hub/token.ts';
import { streamOf } from '../events/stream.ts';
import { Watchers } from '../events/watchers.ts';
import { newId } from '../ids.ts';
import { look } from '../looking/look.ts';
import type { ModelService } from '../models/service.ts';
import type { PullInput, StartPull } from './inputs.ts';
import { Pace } from './pace.ts';
import { PullRecords } from './records.ts';

/** Shortest time between two messages about one pull. */
const INTERVAL_MS = 200;

interface UnderWay {
  abort: AbortController;
  ended: Promise<PullView>;
}

export class PullService {
  #models: ModelService;
  #tokens: TokenStore;
  #records: PullRecords;
  #views = new Map<string, PullView>();
  #watchers = new Watchers<PullEvent>();
  #underWay = new Map<string, UnderWay>();
  #closing = new AbortController();

  constructor(parts: { pullsDir: string; models: ModelService; tokens: TokenStore }) {
    this.#models = parts.models;
    this.#tokens = parts.tokens;
    this.#records = new PullRecords(parts.pullsDir);
    for (const view of this.#records.read()) this.#views.set(view.id, view);
  }

  /** What would be fetched. Throws HUB_*. */
  async plan(input: PullInput, signal?: AbortSignal): Promise<PullPlan> {
    const { plan } = await planPull(readSource(input.source), this.#options(input, signal));
    return plan;
  }

  /** Those of this process, and those of earlier ones that are not done, the latest first. */
  list(): PullView[] {
    return [...this.#views.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  }

  /** Throws a usage error PULL_NOT_FOUND. */
  require(id: string): PullView {
    const view = this.#views.get(id);
    if (!view) throw usageError('PULL_NOT_FOUND', `There is no download ${id}; start it again.`, { pullId: id });
    return view;
  }

  /** Starts, or goes on where an earlier try of the same source ended. Throws HUB_*, PULL_RUNNING. */
  async start(input: StartPull): Promise<PullView> {
    const source = readSource(input.source);
    const text = sourceText(source);
    this.#refuseSecond(text);
    const abort = new AbortController();
    const options = this.#options(input, AbortSignal.any([abort.signal, this.#closing.signal]));
    const work = await planPull(source, options);
    throwIfCancelled(options);
    this.#refuseSecond(text);
    const before = this.list().find((view) => view.source === text && view.status !== 'completed');
    const view: PullView = {
      id: before?.id ?? newId('pull'),
      source: text,
      plan: work.plan,
      status: 'running',
      error: null,
      modelId: null,
      note: null,
      createdAt: new Date().toISOString(),
    };
    this.#keep(view);
    const ended = this.#run(view, work, options, input.name).finally(() => this.#underWay.delete(view.id));
    this.#underWay.set(view.id, { abort, ended });
    return view;
  }

  /** The view once it is over. */
  async finished(id: string): Promise<PullView> {
    return (await this.#underWay.get(id)?.ended) ?? this.require(id);
  }

  /** Ends a download under way; what has come is kept. */
  async cancel(id: string): Promise<PullView> {
    this.require(id);
    this.#underWay.get(id)?.abort.abort();
    return this.finished(id);
  }

  /** Takes one that is over off the list; parts of files that it left are removed. */
  discard(id: string): { removed: string } {
    const { status, plan, source } = this.require(id);
    if (status === 'running')
      throw usageError('PULL_RUNNING', `${source} is being fetched; cancel it first.`, { pullId: id });
    if (status !== 'completed') discardParts(plan, hubCacheDir());
    this.#records.remove(id);
    this.#views.delete(id);
    return { removed: id };
  }

  subscribe(id: string, listener: (event: PullEvent) => void): () => void {
    return this.#watchers.subscribe(id, listener);
  }

  /** The view as it is, progress, and the view at the end. */
  watch(id: string, signal?: AbortSignal): AsyncGenerator<PullEvent, void, void> {
    return streamOf<PullEvent>((listener) => this.subscribe(id, listener), {
      first: [{ type: 'status', pull: this.require(id) }],
      isLast: (event) => event.type === 'status' && event.pull.status !== 'running',
      signal,
    });
  }

  /** Downloads under way are interrupted; started again, they go on. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#underWay.values()].map(({ ended }) => ended));
  }

  #options({ offline }: PullInput, signal?: AbortSignal): PullOptions {
    const isOffline = offline === true || /^(1|true|yes|on)$/i.test(process.env['HF_HUB_OFFLINE'] ?? '');
    const options = {
      endpoint: hubEndpoint(),
      token: isOffline ? undefined : this.#tokens.find()?.token,
      cacheDir: hubCacheDir(),
      offline: isOffline,
      signal,
    };
    assertSecret(options);
    return options;
  }

  async #run(view: PullView, work: PullWork, options: PullOptions, name: string | undefined): Promise<PullView> {
    const { plan } = work;
    const tell = this.#teller(view);
    try {
      await runPull(work, options, {
        onProgress: tell,
        // A family that Graft does not know is told by its config, before gigabytes come.
        beforeWeights: async (dir) => void (plan.kind === 'model' && (await look('limitsOf', [dir]))),
      });
      return this.#keep({ ...view, ...(await this.#added(plan, name)), status: 'completed' });
    } catch (error) {
      if (this.#closing.signal.aborted) return this.#keep({ ...view, status: 'interrupted' });
      if (options.signal?.aborted) return this.#keep({ ...view, status: 'cancelled' });
      return this.#keep({ ...view, status: 'failed', error: toErrorData(error) });
    }
  }

  /** Into the catalogue, where it is a model that Graft reads. */
  async #added(plan: PullPlan, name: string | undefined): Promise<Pick<PullView, 'modelId' | 'note'>> {
    if (plan.kind === 'adapter') return { modelId: null, note: adapterNote(plan.dir) };
    const dir = plan.file === null ? plan.dir : path.join(plan.dir, ...plan.file.split('/'));
    try {
      const usualName = plan.file === null ? plan.repository : `${plan.repository}/${path.basename(plan.file)}`;
      const model = await this.#models.add({ dir, name, usualName });
      return { modelId: model.id, note: null };
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      return { modelId: null, note: `It was fetched, but not added to the catalogue: ${error.message}` };
    }
  }

  #teller({ id, plan: { totalBytes } }: PullView): (doneBytes: number, file: string) => void {
    const pace = new Pace();
    let toldMs = -Infinity;
    return (doneBytes, file) => {
      const nowMs = performance.now();
      if (nowMs - toldMs < INTERVAL_MS && doneBytes < totalBytes) return;
      toldMs = nowMs;
      const bytesPerSecond = pace.at(doneBytes, nowMs);
      this.#watchers.emit(id, { type: 'progress', id, file, doneBytes, totalBytes, bytesPerSecond });
    };
  }

  #refuseSecond(source: string): void {
    const other = this.list().find((view) => view.source === source && view.status === 'running');
    if (other)
      throw usageError('PULL_RUNNING', `${source} is being fetched already; wait for it, or cancel it first.`, {
        pullId: other.id,
      });
  }

  #keep(view: PullView): PullView {
    this.#views.set(view.id, view);
    if (view.status === 'completed') this.#records.remove(view.id);
    else this.#records.write(view);
    this.#watchers.emit(view.id, { type: 'status', pull: view });
    return view;
  }
}

function adapterNote(dir: string): string {
  return (
    `This is an adapter; import it (graft adapters import "${dir}", or the page Adapters), or name that folder ` +
    'with --adapter.'
  );
}
