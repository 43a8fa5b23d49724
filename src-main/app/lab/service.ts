/** The lab for adapters of the catalogue: each question is answered in a worker of its own, and its answer kept. */
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type {
  AmplificationResult,
  ComposeResult,
  CompressResult,
  IntrudersResult,
  LabParams,
  LabProgress,
  SpectrumResult,
} from '../../../src-shared/lab.ts';
import type { WorkerCallName, WorkerCalls } from '../../../src-shared/workerCalls.ts';
import type { AdapterService } from '../adapters/service.ts';
import type { Home } from '../storage/home.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import type { ComposeInput, CompressInput, LabLook, WithoutIntrudersInput } from './inputs.ts';
import { LabJobs, type LabEvent, type LabWork } from './jobs.ts';
import { KeptResults, type Asked } from './kept.ts';
import { makeAdapter, type Made } from './make.ts';
import { overviewOf, type SimilarityOverview, type SimilarityPair } from './overview.ts';
import { validationRows } from './validationRows.ts';

type Parts = { home: Home; catalog: Catalog; adapters: AdapterService; workers: Workers; engines: EngineService };
type Events<T> = AsyncGenerator<Exclude<LabEvent<T>, { type: 'failed' }>, void, void>;

/** What each tool answers. */
export interface LabAnswers {
  spectrum: SpectrumResult;
  similarity: SimilarityOverview;
  amplification: AmplificationResult;
  intruders: IntrudersResult;
}
export type LabAnswer = LabAnswers[keyof LabAnswers];
export type LabMade = Made<CompressResult | ComposeResult | IntrudersResult>;

export class LabService {
  #parts: Parts;
  #kept: KeptResults;
  #jobs = new LabJobs();
  #made = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#kept = new KeptResults(parts.home);
  }

  /**
   * The answer, at once where it is kept; else progress, then the answer. Throws ADAPTER_NOT_FOUND, MODEL_NOT_FOUND,
   * DIFFERENT_BASES, and what the worker throws.
   */
  async *look(look: LabLook, signal?: AbortSignal): Events<LabAnswer> {
    const { asked, modelDir, adapters } = this.#asked(look);
    const job = [asked.tool, asked.options, ...asked.adapterIds].join(' ');
    const known = await this.#kept.read<LabAnswer>(asked);
    if (known !== undefined) return yield { type: 'done', job, result: known };
    this.#jobs.start(job, async (abort, tell) => {
      const params = { engine: await this.#parts.engines.resolve('auto'), modelDir, adapterDir: adapters[0]!.dir };
      const { result, parts } = await this.#answer(look, params, adapters, [abort, tell]);
      await this.#kept.write(asked, result, parts);
      return result;
    });
    yield* this.#jobs.watch(job, signal);
  }

  /** The answer where it is kept, else null; computes nothing. Throws as `look`. */
  async kept(look: LabLook): Promise<LabAnswer | null> {
    return (await this.#kept.read<LabAnswer>(this.#asked(look).asked)) ?? null;
  }

  /** The whole grids of one matrix of two adapters that have been compared. Throws LAB_NOT_KEPT. */
  async grid({ name, ...ids }: { adapterId: string; otherId: string; name: string }): Promise<SimilarityPair> {
    const { asked } = this.#asked({ tool: 'similarity', ...ids });
    const overview = await this.#kept.read<SimilarityOverview>(asked);
    const index = overview?.pairs.findIndex((pair) => pair.name === name) ?? -1;
    const pair = index < 0 ? undefined : await this.#kept.readPart<SimilarityPair>(asked, index);
    if (!pair)
      throw usageError('LAB_NOT_KEPT', `What was found out about ${name} is not kept any more; compare again.`, {
        name,
      });
    return pair;
  }

  /** Starts to write a smaller adapter; `watch` follows it. */
  compress({ adapterId, rule, place, measuresLoss }: CompressInput): { job: string } {
    const adapter = this.#parts.adapters.require(adapterId);
    const modelDir = this.#baseOf(adapter);
    const datasets = measuresLoss ? validationRows(this.#parts.catalog, [adapterId]) : [];
    return this.#make(async (abort, tell) =>
      makeAdapter(this.#parts, place, { first: adapter, said: `${adapter.name}, compressed` }, async (outDir) => {
        const engine = await this.#parts.engines.resolve('auto');
        const params = { engine, modelDir, adapterDir: adapter.dir, outDir, rule, datasets };
        return this.#call('labCompress', params, [abort, tell]);
      }),
    );
  }

  /** Starts to write the blend of several adapters of one base; `watch` follows it. */
  compose({ adapters: given, place, rank, measuresLoss, ...how }: ComposeInput): { job: string } {
    const found = given.map(({ adapterId }) => this.#parts.adapters.require(adapterId));
    sameBase(found);
    const ids = found.map(({ id }) => id);
    const datasets = measuresLoss ? validationRows(this.#parts.catalog, ids) : [];
    const modelDir = this.#baseOf(found[0]!);
    const adapters = found.map(({ dir }, i) => ({ dir, weight: given[i]!.weight }));
    const said = found.map(({ name }, i) => `${given[i]!.weight} × ${name}`).join(' + ');
    return this.#make(async (abort, tell) =>
      makeAdapter(this.#parts, place, { first: found[0]!, said: `${said}, ${how.method}` }, async (outDir) => {
        const engine = await this.#parts.engines.resolve('auto');
        const rest = { outDir, datasets, ...(rank === undefined ? {} : { rank }) };
        const params = { engine, modelDir, adapters, ...how, ...rest };
        return this.#call('labCompose', params, [abort, tell]);
      }),
    );
  }

  /** Starts to write the adapter without its intruders; `watch` follows it. Fails with LAB_NO_INTRUDERS. */
  withoutIntruders({ adapterId, place, ...found }: WithoutIntrudersInput): { job: string } {
    const adapter = this.#parts.adapters.require(adapterId);
    const modelDir = this.#baseOf(adapter);
    return this.#make(async (abort, tell) =>
      makeAdapter(this.#parts, place, { first: adapter, said: `${adapter.name} without intruders` }, async (outDir) => {
        const engine = await this.#parts.engines.resolve('auto');
        const params = { engine, modelDir, adapterDir: adapter.dir, outDir, ...found };
        const result = await this.#call('labIntruders', params, [abort, tell]);
        if (result.written) return result;
        throw usageError('LAB_NO_INTRUDERS', `${adapter.name} has no intruder to take away; it stays as it is.`);
      }),
    );
  }

  /** Of an adapter that is being made. */
  watch(job: string, signal?: AbortSignal): Events<LabMade> {
    return this.#jobs.watch(job, signal);
  }

  /** Whether anything was under way. */
  async cancel(job: string): Promise<{ cancelled: boolean }> {
    return { cancelled: await this.#jobs.cancel(job) };
  }

  close(): void {
    this.#jobs.close();
  }

  #make(work: LabWork<LabMade>): { job: string } {
    const job = `make ${++this.#made}`;
    this.#jobs.start(job, work);
    return { job };
  }

  async #answer(
    look: LabLook,
    params: LabParams,
    [, other]: Adapter[],
    run: Parameters<LabWork<unknown>>,
  ): Promise<{ result: LabAnswer; parts?: unknown[] }> {
    if (look.tool === 'spectrum') return { result: await this.#call('labSpectrum', params, run) };
    if (look.tool === 'amplification') {
      const { top } = look;
      return {
        result: await this.#call('labAmplification', { ...params, ...(top === undefined ? {} : { top }) }, run),
      };
    }
    if (look.tool === 'intruders') {
      const { epsilon, top } = look;
      return { result: await this.#call('labIntruders', { ...params, epsilon, top }, run) };
    }
    const result = await this.#call('labSimilarity', { ...params, otherDir: other!.dir }, run);
    return { result: overviewOf(result), parts: result.pairs };
  }

  /** In a process of its own, which a cancelled job ends. */
  #call<K extends Extract<WorkerCallName, `lab${string}`>>(
    name: K,
    params: WorkerCalls[K]['params'],
    [signal, onProgress]: [AbortSignal, (progress: LabProgress) => void],
  ): Promise<WorkerCalls[K]['result']> {
    return this.#parts.workers.once(name, params, (event) => onProgress(event as LabProgress), signal);
  }

  #asked(look: LabLook): { asked: Asked; modelDir: string; adapters: Adapter[] } {
    const ids = look.tool === 'similarity' ? [look.adapterId, look.otherId] : [look.adapterId];
    const adapters = ids.map((id) => this.#parts.adapters.require(id));
    sameBase(adapters);
    const options = optionsOf(look);
    const hashes = [...adapters.map(({ sha256 }) => sha256), adapters[0]!.baseHash];
    return {
      asked: { tool: look.tool, adapterIds: ids, options, hashes },
      modelDir: this.#baseOf(adapters[0]!),
      adapters,
    };
  }

  #baseOf({ modelId, baseHash, name, id }: Adapter): string {
    const { models } = this.#parts.catalog;
    const model =
      (modelId === null ? undefined : models.get(modelId)) ?? models.list().find(({ hash }) => hash === baseHash);
    if (model) return model.dir;
    throw new GraftError(
      'MODEL_NOT_FOUND',
      `The base model of the adapter ${name} is not in the catalogue any more; add its folder again.`,
      { adapterId: id },
    );
  }
}

/** As part of a file's name. */
function optionsOf(look: LabLook): string {
  if (look.tool === 'intruders') return `below-${look.epsilon}-top-${look.top}`;
  return look.tool === 'amplification' && look.top !== undefined ? `top-${look.top}` : '';
}

function sameBase(adapters: readonly Adapter[]): void {
  const [first] = adapters;
  const stranger = adapters.find(({ baseHash }) => baseHash !== first!.baseHash);
  if (stranger)
    throw usageError(
      'DIFFERENT_BASES',
      `${stranger.name} was trained on another base model than ${first!.name}; choose adapters of one base.`,
      { adapterId: stranger.id },
    );
}
