/** Recipes: what one would do to a version, and carrying it out as a new version. The source is only read. */
import path from 'node:path';
import type { Preparation, PrepareEvent, RecipePreview } from '../../../src-shared/recipes.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { streamOfCall } from '../events/stream.ts';
import { newId } from '../ids.ts';
import type { ModelService } from '../models/service.ts';
import type { Home } from '../storage/home.ts';
import type { RecipeOf } from './inputs.ts';
import type { DatasetService } from './service.ts';
import type { DatasetVersions } from './versions.ts';

const MOST_NOTED = 20;

export class DatasetRecipes {
  #home: Home;
  #datasets: DatasetService;
  #models: ModelService;
  #versions: DatasetVersions;
  #noted = new Map<string, RecipeOf>();

  constructor(parts: { home: Home; datasets: DatasetService; models: ModelService; versions: DatasetVersions }) {
    this.#home = parts.home;
    this.#datasets = parts.datasets;
    this.#models = parts.models;
    this.#versions = parts.versions;
  }

  /** Throws what previewRecipe throws, or CANCELLED. */
  preview({ id, version, recipe, modelId }: RecipeOf, signal?: AbortSignal): Promise<RecipePreview> {
    const base = this.#datasets.require(id, version);
    const tokenizerDir = this.#modelOf(modelId)?.dir;
    return this.#datasets.files.previewRecipe(base, { recipe, tokenizerDir, signal });
  }

  /** Notes what is to be carried out, for `carryOut`: a recipe may be too long for the address of a stream. */
  note(input: RecipeOf): { job: string } {
    this.#datasets.require(input.id, input.version);
    const job = newId('recipe');
    this.#noted.set(job, input);
    const [oldest] = this.#noted.keys();
    if (oldest !== undefined && this.#noted.size > MOST_NOTED) this.#noted.delete(oldest);
    return { job };
  }

  /** As `prepare`, what was noted. Throws a usage error BAD_INPUT for a job that has begun already. */
  async *carryOut(job: string, signal?: AbortSignal): AsyncGenerator<PrepareEvent, void, void> {
    const input = this.#noted.get(job);
    if (!input) throw usageError('BAD_INPUT', 'This recipe has been carried out or called off; start it again.');
    this.#noted.delete(job);
    yield* this.prepare(input, signal);
  }

  /**
   * Rows that are done, then the new version, which is the current one. A caller that goes away ends the work, and
   * nothing of it is left. Throws what writeRecipe throws.
   */
  async *prepare(input: RecipeOf, signal?: AbortSignal): AsyncGenerator<PrepareEvent, void, void> {
    const start = (tell: (event: PrepareEvent) => void) => {
      const controller = new AbortController();
      return { ended: this.#write(input, tell, controller.signal), stop: () => controller.abort() };
    };
    yield* streamOfCall(start, signal);
  }

  async #write(
    { id, version, recipe, modelId }: RecipeOf,
    tell: (event: PrepareEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const base = this.#datasets.require(id, version);
    const model = this.#modelOf(modelId);
    const file = path.join(this.#home.datasetDir(id), `${newId('data')}.jsonl`);
    const { sha256, report } = await this.#datasets.files.writeRecipe(base, file, {
      recipe,
      tokenizerDir: model?.dir,
      signal,
      onProgress: tell,
    });
    const preparation: Preparation = { from: base.version, recipe, report, ...(model ? { model: model.name } : {}) };
    tell({ version: await this.#versions.addPrepared(base, { file, sha256, preparation }), report });
  }

  #modelOf(id: string | undefined) {
    return id === undefined ? undefined : this.#models.require(id);
  }
}
