/**
 * Drafts of questions and answers: a model writes one pair for each text of a dataset, the user accepts, edits or
 * rejects them, and what is accepted becomes a dataset. One model writes at a time.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import type { Dataset } from '../../catalog/datasets.ts';
import { GraftError, toErrorData, usageError } from '../../../src-shared/errors.ts';
import type { Draft, DraftSet, DraftSource } from '../../../src-shared/drafts.ts';
import type { AdapterService } from '../adapters/service.ts';
import { writeOwnFile } from '../datasets/ownFile.ts';
import type { DatasetService } from '../datasets/service.ts';
import { Watchers } from '../events/watchers.ts';
import { newId } from '../ids.ts';
import type { ModelService } from '../models/service.ts';
import type { Home } from '../storage/home.ts';
import type { EngineService } from '../workers/engines.ts';
import type { Workers } from '../workers/client.ts';
import { askModel, type AskedModel } from './askModel.ts';
import { DraftFolder } from './draftFolder.ts';
import { draftPair } from './draftPair.ts';
import type { changeDraftSchema, finishDraftsSchema, startDraftsSchema } from './inputs.ts';

const ID = /^drafts-[0-9a-f]{10}$/;

interface Parts {
  home: Home;
  datasets: DatasetService;
  models: ModelService;
  adapters: AdapterService;
  workers: Workers;
  engines: EngineService;
  /** Opens the model that writes; default: in a worker process. */
  open?: (modelDir: string, adapterDir: string | null) => Promise<AskedModel>;
}

interface Writing {
  id: string;
  /** Nobody wants more of it. */
  stopped: boolean;
  model?: AskedModel;
}

export class DraftService {
  #parts: Parts;
  #open: NonNullable<Parts['open']>;
  #folders = new Map<string, DraftFolder>();
  #problems = new Map<string, string>();
  #writing: Writing | undefined;
  #watchers = new Watchers<DraftSet>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#open =
      parts.open ??
      (async (modelDir, adapterDir) => {
        const engine = await parts.engines.resolve('auto');
        return askModel(parts.workers, { engine, modelDir, adapterDir });
      });
  }

  /** The latest first. */
  list(): DraftSet[] {
    const dir = this.#parts.home.draftsDir;
    const ids = fs.existsSync(dir) ? fs.readdirSync(dir).filter((name) => ID.test(name)) : [];
    const sets = ids.flatMap((id) => {
      const folder = this.#folder(id);
      return folder ? [this.#view(id, folder)] : [];
    });
    return sets.sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  }

  /** Throws a usage error DRAFTS_NOT_FOUND. */
  get(id: string): DraftSet {
    return this.#view(id, this.#require(id));
  }

  row(id: string, index: number): Draft & DraftSource {
    const folder = this.#require(id);
    return { ...folder.source(index), ...this.#draft(folder, index) };
  }

  /** Tells every change of a set. */
  subscribe(id: string, listener: (set: DraftSet) => void): () => void {
    return this.#watchers.subscribe(id, listener);
  }

  /** Keeps the texts, and has the model begin. Throws DRAFTS_NEED_TEXT, DRAFTS_BUSY, or that something is not there. */
  async start({ datasetId, modelId, adapterId, count, wish }: z.output<typeof startDraftsSchema>): Promise<DraftSet> {
    const { datasets, models, adapters, home } = this.#parts;
    this.#assertFree();
    const dataset = datasets.require(datasetId);
    models.require(modelId);
    if (adapterId !== null) adapters.require(adapterId);
    const sources = await textsOf(datasets, dataset, count);
    const id = newId('drafts');
    const createdAt = new Date().toISOString();
    const kept = { id, name: dataset.name, datasetId, modelId, adapterId, wish, createdAt, sources };
    this.#folders.set(id, await DraftFolder.create(path.join(home.draftsDir, id), kept));
    return this.goOn(id);
  }

  /** Has the model write what is missing. Throws DRAFTS_BUSY. */
  goOn(id: string): DraftSet {
    const folder = this.#require(id);
    this.#assertFree();
    const { models, adapters } = this.#parts;
    const { modelId, adapterId } = folder.kept;
    const modelDir = models.require(modelId).dir;
    const adapterDir = adapterId === null ? null : adapters.require(adapterId).dir;
    const writing: Writing = { id, stopped: false };
    this.#writing = writing;
    this.#problems.delete(id);
    void this.#write(writing, folder, { modelDir, adapterDir });
    return this.get(id);
  }

  /** What is written stays; `goOn` writes the rest. */
  stop(id: string): DraftSet {
    if (this.#writing?.id === id) this.#end(this.#writing);
    return this.get(id);
  }

  /** The user's decision. Throws DRAFT_EMPTY where an accepted draft lacks a part. */
  change({ id, index, state, question, answer }: z.output<typeof changeDraftSchema>): DraftSet {
    const folder = this.#require(id);
    this.#draft(folder, index);
    if (state === 'accepted' && (question.trim() === '' || answer.trim() === ''))
      throw usageError('DRAFT_EMPTY', 'The question or the answer is empty; write both, or reject the draft.');
    folder.change(index, { state, question, answer, problem: null });
    return this.#tell(id, folder);
  }

  /** The accepted drafts as a dataset of prompts and completions. Throws DRAFTS_NONE_ACCEPTED. */
  async finish({ id, name }: z.output<typeof finishDraftsSchema>): Promise<Dataset> {
    const folder = this.#require(id);
    const rows = folder.drafts.flatMap(({ state, question, answer }, index) => {
      const { source, page, heading } = folder.source(index);
      return state === 'accepted' ? [{ prompt: question, completion: answer, source, page, heading }] : [];
    });
    if (rows.length === 0)
      throw usageError('DRAFTS_NONE_ACCEPTED', 'No draft is accepted yet; accept at least one first.');
    const called = name ?? `Questions on ${folder.kept.name}`;
    const { home, datasets } = this.#parts;
    const file = await writeOwnFile(home, 'questions.jsonl', (target) =>
      fs.writeFileSync(target, rows.map((row) => `${JSON.stringify(row)}\n`).join(''), { mode: 0o600 }),
    );
    return datasets.add({ file, name: called, map: {}, allowBadRows: false });
  }

  remove(id: string): { removed: string } {
    const folder = this.#require(id);
    if (this.#writing?.id === id) this.#end(this.#writing);
    folder.remove();
    this.#folders.delete(id);
    return { removed: id };
  }

  /** Ends the model. */
  close(): void {
    if (this.#writing) this.#end(this.#writing);
  }

  async #write(
    writing: Writing,
    folder: DraftFolder,
    { modelDir, adapterDir }: { modelDir: string; adapterDir: string | null },
  ): Promise<void> {
    const { id } = writing;
    try {
      const model = await this.#open(modelDir, adapterDir);
      writing.model = model;
      if (writing.stopped) return model.end();
      for (const [index, { text }] of folder.kept.sources.entries()) {
        if (folder.drafts[index]!.state !== 'waiting') continue;
        const draft = await draftOf(model, text, folder.kept.wish);
        if (writing.stopped) return;
        folder.change(index, draft);
        this.#tell(id, folder);
      }
    } catch (error) {
      if (!writing.stopped) this.#problems.set(id, toErrorData(error).message);
    } finally {
      this.#end(writing);
      if (this.#folders.has(id)) this.#tell(id, folder);
    }
  }

  #end(writing: Writing): void {
    writing.stopped = true;
    writing.model?.end();
    if (this.#writing === writing) this.#writing = undefined;
  }

  #tell(id: string, folder: DraftFolder): DraftSet {
    const set = this.#view(id, folder);
    this.#watchers.emit(id, set);
    return set;
  }

  #view(id: string, { kept, drafts }: DraftFolder): DraftSet {
    const { name, datasetId, modelId, adapterId, createdAt } = kept;
    return {
      id,
      name,
      datasetId,
      modelId,
      adapterId,
      createdAt,
      states: drafts.map(({ state }) => state),
      writing: this.#writing?.id === id,
      problem: this.#problems.get(id) ?? null,
    };
  }

  #folder(id: string): DraftFolder | undefined {
    const known = this.#folders.get(id);
    if (known) return known;
    const opened = ID.test(id) ? DraftFolder.open(path.join(this.#parts.home.draftsDir, id)) : undefined;
    if (opened) this.#folders.set(id, opened);
    return opened;
  }

  #require(id: string): DraftFolder {
    const folder = this.#folder(id);
    if (!folder)
      throw usageError('DRAFTS_NOT_FOUND', `There are no drafts ${id} any more; draft them again from their dataset.`);
    return folder;
  }

  #draft(folder: DraftFolder, index: number): Draft {
    const draft = folder.drafts[index];
    if (!draft) throw usageError('DRAFTS_NOT_FOUND', `There is no draft ${index + 1} in this set.`);
    return draft;
  }

  #assertFree(): void {
    if (this.#writing)
      throw new GraftError('DRAFTS_BUSY', 'Drafts are being written already; wait for them, or stop them first.');
  }
}

const TOO_LONG =
  'This text is too long for the model; take a model that sees more tokens, or make shorter rows of the documents.';

/** A text that the model cannot answer keeps its reason; the end of its process ends the work. */
async function draftOf({ ask }: AskedModel, text: string, wish: string): Promise<Draft> {
  try {
    return { state: 'drafted', problem: null, ...(await draftPair(ask, text, wish)) };
  } catch (error) {
    if (!(error instanceof GraftError) || error.code === 'WORKER_CRASHED') throw error;
    const problem = error.code === 'PROMPT_TOO_LONG' ? TOO_LONG : error.message;
    return { state: 'drafted', question: '', answer: '', problem };
  }
}

/** The first texts of a dataset. Throws a usage error DRAFTS_NEED_TEXT. */
async function textsOf(datasets: DatasetService, dataset: Dataset, count: number): Promise<DraftSource[]> {
  const { plan, good } = await datasets.files.survey(dataset);
  const column = plan.columns['text'];
  if (plan.kind !== 'text' || column === undefined)
    throw usageError(
      'DRAFTS_NEED_TEXT',
      `The rows of ${dataset.name} are questions and answers already; choose a dataset of texts, such as documents.`,
    );
  const index = await datasets.files.index(dataset);
  return [...good.index.subarray(0, count)].map((number) => {
    const { values } = index.row(number);
    const { source, page, heading } = values;
    return {
      text: String(values[column]),
      source: typeof source === 'string' ? source : null,
      page: typeof page === 'number' ? page : null,
      heading: typeof heading === 'string' ? heading : null,
    };
  });
}
