/** Suites: made of a dataset once, run for base models and adapters, compared from what is stored. */
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { SuiteResult } from '../../catalog/suites.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import { baseFormsOf } from '../../../src-shared/baseDtypes.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type {
  Contamination,
  MeasuredSubject,
  RunSuiteParams,
  Suite,
  SuiteComparison,
  SuiteQuestion,
  SuiteResultFacts,
  SuiteSpec,
} from '../../../src-shared/suites.ts';
import { runOfAdapter } from '../adapters/heldOut.ts';
import type { AdapterService } from '../adapters/service.ts';
import type { DatasetService } from '../datasets/service.ts';
import { newId } from '../ids.ts';
import { LabJobs, type LabEvent } from '../lab/jobs.ts';
import type { ModelService } from '../models/service.ts';
import { presentSpec } from '../runs/presentSpec.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import { compareResults, scoresOf } from './compare.ts';
import { compareSuiteSchema, type AddSuite, type CompareSuite, type RunSuite } from './inputs.ts';
import { askedRows, generalRows } from './askedRows.ts';
import { questionsOf } from './questions.ts';
import { regressionOf, sharedSuites } from './regressions.ts';
import { knownBase, subjectsOf, type Subject } from './subjects.ts';
import { suitedMetrics, withChoices } from './suited.ts';

interface Parts {
  catalog: Catalog;
  models: ModelService;
  datasets: DatasetService;
  adapters: AdapterService;
  workers: Workers;
  engines: EngineService;
}

export interface SuiteView extends Suite {
  results: SuiteResultFacts[];
}

/** What a run of a suite ends with. */
interface SuiteRunEnd {
  suiteId: string;
  subjectIds: string[];
}
export type SuiteRunEvent = Exclude<LabEvent<SuiteRunEnd>, { type: 'failed' }>;

export class SuiteService {
  #parts: Parts;
  #catalog: Catalog;
  #jobs = new LabJobs();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#catalog = parts.catalog;
  }

  /** Newest first. */
  list(): SuiteView[] {
    return this.#catalog.suites.list().map((suite) => this.#view(suite));
  }

  /** By id or by name. Throws a usage error SUITE_NOT_FOUND. */
  get(idOrName: string): SuiteView {
    return this.#view(this.#require(idOrName));
  }

  /** The first questions. */
  questions(id: string, count = 20): Pick<SuiteQuestion, 'line' | 'prompt' | 'references' | 'choices'>[] {
    const { questions } = this.#catalog.suites.content(this.#require(id).id)!;
    return questions.slice(0, count).map(({ values: _values, ...question }) => question);
  }

  /**
   * Reads the questions and keeps them. Throws a usage error SUITE_EXISTS, SUITE_NO_QUESTIONS, SUITE_ROWS_UNKNOWN,
   * BAD_INPUT, or that something is not there.
   */
  async add(input: AddSuite): Promise<SuiteView> {
    if (this.#catalog.suites.named(input.name))
      throw usageError('SUITE_EXISTS', `There is a suite "${input.name}" already; choose another name.`);
    const { dataset, open, run } = await askedRows(this.#parts, input);
    const found = await questionsOf(open, input.rows, run);
    if (found.length === 0)
      throw usageError('SUITE_NO_QUESTIONS', `${open.name} has no row that asks a question; choose other rows.`);
    const questions = input.task === 'choice' ? withChoices(found, input.choicesColumn) : found;
    const general = input.general && (await generalRows(this.#parts, input.general));
    const spec: SuiteSpec = {
      ...dataset,
      rows: input.rows,
      task: input.task,
      ...suitedMetrics(input, questions),
      generation: input.generation,
      plan: open.survey.plan,
      questions: questions.length,
      ...(general ? { general: general.spec } : {}),
    };
    const createdAt = new Date().toISOString();
    const suite = { id: newId('suite'), name: input.name, spec, afterTaskId: null, createdAt };
    this.#catalog.suites.insert({ ...suite, questions, general: general?.rows ?? [] });
    return this.#view(suite);
  }

  /** Has the new adapters of a task measured as soon as they are trained; null: of none. */
  measureAfter(id: string, taskId: string | null): SuiteView {
    const suite = this.#require(id);
    this.#catalog.suites.setAfterTask(suite.id, taskId);
    return this.get(suite.id);
  }

  remove(id: string): { removed: string } {
    const suite = this.#require(id);
    void this.#jobs.cancel(suite.id);
    this.#catalog.suites.remove(suite.id);
    return { removed: suite.id };
  }

  /**
   * Starts to ask the subjects; `watch` follows it. Nothing is kept before all have answered. Throws a usage error
   * SUITE_SUBJECTS for subjects on different bases, or SUITE_RUNNING.
   */
  run({ id, subjects: asked, engine, ...forms }: RunSuite): { job: string } {
    const suite = this.#require(id);
    const subjects = subjectsOf(this.#parts, asked);
    // To join what is under way would leave these subjects unmeasured.
    if (this.#jobs.isUnderWay(suite.id))
      throw usageError('SUITE_RUNNING', `${suite.name} is being run already; wait for its end, or cancel it first.`, {
        suiteId: suite.id,
      });
    const modelDir = this.#parts.models.require(subjects[0]!.modelId).dir;
    this.#jobs.start<SuiteRunEnd>(suite.id, async (signal, onProgress) => {
      const { questions, general } = this.#catalog.suites.content(suite.id)!;
      const { spec } = suite;
      const resolved = await this.#parts.engines.resolve(engine);
      const params: RunSuiteParams = {
        engine: resolved,
        modelDir,
        ...baseFormsOf(forms),
        subjects: subjects.map(({ adapter }) => ({ adapterDir: adapter?.dir ?? null, ...this.#trained(adapter) })),
        spec,
        questions,
        ...(spec.general ? { general: { plan: spec.general.plan, rows: general } } : {}),
      };
      const results = await this.#parts.workers.once('runSuite', params, onProgress, signal);
      this.#keep(suite, subjects, results, resolved);
      return { suiteId: suite.id, subjectIds: subjects.map((subject) => subject.id) };
    });
    return { job: suite.id };
  }

  /** Progress of a suite that is being run, with the time left, then its end. Throws what it fails with. */
  watch(id: string, signal?: AbortSignal): AsyncGenerator<SuiteRunEvent, void, void> {
    return this.#jobs.watch<SuiteRunEnd>(id, signal);
  }

  /** Resolves once a suite is not being run any more, however that has ended. */
  async ended(id: string): Promise<void> {
    await this.#jobs.ended(id);
  }

  async cancel(id: string): Promise<{ cancelled: boolean }> {
    return { cancelled: await this.#jobs.cancel(id) };
  }

  /** Throws a usage error SUITE_NOT_COMPARED where a subject has no result. */
  async compare(input: CompareSuite): Promise<SuiteComparison> {
    const { id, subjectIds, ...options } = compareSuiteSchema.parse(input);
    const suite = this.#require(id);
    const ids = [...new Set(subjectIds ?? this.#usualOrder(suite.id))];
    const results = ids.map((subjectId) => this.#catalog.suites.result(suite.id, subjectId));
    const missing = ids.find((_, i) => !results[i]);
    if (missing !== undefined || results.length === 0)
      throw usageError(
        'SUITE_NOT_COMPARED',
        missing === undefined
          ? `Nobody has been measured by ${suite.name} yet; run it first.`
          : `${missing} has not been measured by ${suite.name}; run it first.`,
        { suiteId: suite.id },
      );
    return compareResults(suite, this.#catalog.suites.content(suite.id)!, results as SuiteResult[], options);
  }

  /** Ids under which subjects have their results. Throws as `run`. */
  subjectIds(subjects: RunSuite['subjects']): string[] {
    return subjectsOf(this.#parts, subjects).map(({ id }) => id);
  }

  /**
   * What speaks against making an adapter (null: the plain base) the active one of its task, a sentence for each suite
   * by which it and the one that is active now were measured.
   */
  async regressions(taskId: string, adapterId: string | null): Promise<string[]> {
    const activeId = this.#catalog.tasks.get(taskId)?.activeAdapterId ?? null;
    const adapter = this.#catalog.adapters.get(adapterId ?? activeId ?? '');
    if (!adapter || activeId === adapterId) return [];
    const baseId = knownBase(this.#catalog, adapter)?.id ?? '';
    const subjectIds: [string, string] = [activeId ?? baseId, adapterId ?? baseId];
    const sentences: string[] = [];
    for (const id of sharedSuites(this.#catalog, subjectIds)) {
      const found = regressionOf(await this.compare({ id, subjectIds, mostRows: 0 }));
      if (found !== undefined) sentences.push(found);
    }
    return sentences;
  }

  close(): void {
    this.#jobs.close();
  }

  /** Plain bases first, then as they were measured. */
  #usualOrder(id: string): string[] {
    const results = this.#catalog.suites.results(id);
    return [...results.filter((one) => one.adapterId === null), ...results.filter((one) => one.adapterId !== null)].map(
      ({ subjectId }) => subjectId,
    );
  }

  #trained(adapter: Adapter | null): Pick<RunSuiteParams['subjects'][number], 'trained'> {
    const run = adapter ? runOfAdapter(this.#catalog, adapter.id) : undefined;
    if (!run) return {};
    const { data, train } = presentSpec(this.#catalog, run);
    return { trained: { data, val: train.val, seed: train.seed } };
  }

  /** All results at once, or none. */
  #keep(suite: Suite, subjects: readonly Subject[], results: readonly MeasuredSubject[], engine: BackendName): void {
    const createdAt = new Date().toISOString();
    this.#catalog.transaction(() => {
      for (const [i, { answers, statistics, askedAs, contamination }] of results.entries()) {
        const { id, name, modelId, adapter } = subjects[i]!;
        this.#catalog.suites.putResult({
          suiteId: suite.id,
          subjectId: id,
          name,
          modelId,
          adapterId: adapter?.id ?? null,
          scores: scoresOf(suite.spec, statistics),
          askedAs,
          contamination: contamination ?? unknownRows(adapter),
          problems: answers.filter(({ problem }) => problem !== undefined).length,
          engine,
          createdAt,
          answers,
          statistics,
        });
      }
    });
  }

  #view(suite: Suite): SuiteView {
    return { ...suite, results: this.#catalog.suites.results(suite.id) };
  }

  #require(idOrName: string): Suite {
    const { suites } = this.#catalog;
    const suite = suites.get(idOrName) ?? suites.named(idOrName);
    if (suite) return suite;
    throw usageError('SUITE_NOT_FOUND', `There is no suite "${idOrName}"; "suites list" shows those that exist.`, {
      suite: idOrName,
    });
  }
}

/** Of an adapter without a run in the catalogue; a plain base has nothing to ask. */
function unknownRows(adapter: Adapter | null): Contamination | null {
  return adapter ? { unknown: 'its run is not in the catalogue' } : null;
}
