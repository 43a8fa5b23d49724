/** Base models: registered by folder or GGUF file, read in place, never copied. */
import fs from 'node:fs';
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RegisteredModel } from '../../catalog/models.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { modelNameOf } from '../../basemodel/folderName.ts';
import type { MethodSettings } from '../../../src-shared/methods/registry.ts';
import { newId } from '../ids.ts';
import { PackedCache } from '../../loading/packedCache.ts';
import { look } from '../looking/look.ts';
import type { LookResult } from '../looking/looks.ts';
import type { TrainableView } from '../runs/trainable.ts';
import { tuningRunOf } from './runOfModel.ts';
import type { SettingsService } from '../settings/service.ts';
import type { Home } from '../storage/home.ts';
import type { FoundInPlace } from '../../../src-shared/foundModels.ts';
import { checkpointOf } from './checkpointFile.ts';
import { lookForModels } from './found/lookForModels.ts';
import { modelPlaces } from './found/places.ts';
import type { ModelFacts } from './read.ts';
import { isGgufFile } from './ggufFile.ts';
import { viewModel, type ModelView } from './state.ts';

interface NewModel {
  dir: string;
  name?: string | undefined;
  usualName?: string;
}

export class ModelService {
  #home: Home;
  #catalog: Catalog;
  #settings: SettingsService;

  constructor(home: Home, catalog: Catalog, settings: SettingsService) {
    this.#home = home;
    this.#catalog = catalog;
    this.#settings = settings;
  }

  /** Throws a usage error MODEL_NOT_FOUND. */
  require(id: string): RegisteredModel {
    const model = this.#catalog.models.get(id);
    if (!model)
      throw usageError('MODEL_NOT_FOUND', `There is no base model ${id} in the catalogue; add its folder first.`, {
        modelId: id,
      });
    return model;
  }

  /** In the order in which they were added, each with whether its folder is still what it was, and who made it. */
  async list(): Promise<ModelView[]> {
    const views: ModelView[] = [];
    const { models, tryWrite } = this.#catalog;
    const remember = (model: RegisteredModel): void => void tryWrite(() => void models.save(model));
    // One after the other: each look may take a thread.
    const runs = this.#catalog.runs.list();
    for (const model of models.list()) {
      const runId = tuningRunOf(runs, model)?.id ?? null;
      views.push({ ...(await viewModel(model, remember)), runId });
    }
    return views;
  }

  /** Facts about a folder, without registering it. */
  inspect(dir: string, signal?: AbortSignal): Promise<ModelFacts> {
    return look('readModel', [dir], { signal });
  }

  /**
   * Registers a folder, by itself or by a file of its checkpoint, or a GGUF file; one that is registered already is
   * brought up to date. `usualName`: of a model that is new and was given no name, else that of the folder or file.
   */
  async add({ dir: named, name, usualName }: NewModel): Promise<RegisteredModel> {
    const dir = checkpointOf(named);
    await look('refuseRepository', [dir]);
    if (isGgufFile(dir)) return this.#addGguf(path.resolve(dir), name, usualName);
    const details = await look('readModel', [dir]);
    const known = this.#catalog.models.byDir(details.dir);
    return this.#save(details, known, { name, usualName: usualName ?? modelNameOf(details.dir) });
  }

  /** The file stays where it is; a small folder in the data folder stands for it. */
  async #addGguf(file: string, name: string | undefined, usualName: string | undefined): Promise<RegisteredModel> {
    const known = this.#catalog.models.list().find(({ gguf }) => gguf?.file === file);
    const id = known?.id ?? newId('model');
    const dir = known?.dir ?? this.#home.modelDir(id);
    const details = await this.#lookAtGguf(file, dir);
    return this.#save(details, known, { id, name, usualName: usualName ?? path.basename(file, path.extname(file)) });
  }

  /** Makes the folder `dir` for a GGUF file; one that was not there goes again where the file is no model. */
  async #lookAtGguf(file: string, dir: string): Promise<ModelFacts> {
    const isNew = !fs.existsSync(dir);
    try {
      await look('writeCompanion', [file, dir]);
      return await look('readModel', [dir]);
    } catch (error) {
      if (isNew) fs.rmSync(dir, { recursive: true, force: true });
      throw error;
    }
  }

  #save(
    details: ModelFacts,
    known: RegisteredModel | undefined,
    { id, name, usualName }: { id?: string; name?: string | undefined; usualName: string },
  ): RegisteredModel {
    return this.#catalog.models.save({
      ...details,
      id: known?.id ?? id ?? newId('model'),
      name: name ?? known?.name ?? usualName,
      createdAt: known?.createdAt ?? new Date().toISOString(),
    });
  }

  /**
   * The model lies in another folder now. Throws MODEL_DIFFERENT where that holds other weights, MODEL_EXISTS where
   * it is registered.
   */
  async relocate({ id, dir }: { id: string; dir: string }): Promise<RegisteredModel> {
    const model = this.require(id);
    await look('refuseRepository', [dir]);
    const made = isGgufFile(dir) ? this.#home.modelDir(newId('model')) : undefined;
    const details = await (made ? this.#lookAtGguf(path.resolve(dir), made) : look('readModel', [dir]));
    if (details.hash !== model.hash) {
      if (made) fs.rmSync(made, { recursive: true, force: true });
      throw new GraftError(
        'MODEL_DIFFERENT',
        `${details.gguf?.file ?? details.dir} holds other weights than ${model.name}, so its adapters would not fit; ` +
          `choose the ${made ? 'file' : 'folder'} that was moved, or add this one as another model.`,
        { dir: details.gguf?.file ?? details.dir, modelId: id },
      );
    }
    const other = this.#catalog.models.byDir(details.dir);
    if (other && other.id !== id)
      throw new GraftError(
        'MODEL_EXISTS',
        `${details.dir} is in the list already, as ${other.name}; remove one of the two.`,
        { modelId: other.id, dir: details.dir },
      );
    return this.#catalog.models.relocate({ ...model, ...details });
  }

  /** What a method would train on a model: count, formula, share of the base, bytes on disk. */
  async trainable({ modelId, method }: { modelId: string; method: MethodSettings }): Promise<TrainableView> {
    return look('trainableIn', [this.require(modelId).dir, method]);
  }

  /** Sizes of the matrices that can be adapted, the same in every layer. */
  async matrices(id: string): Promise<LookResult<'matricesOf'>> {
    return look('matricesOf', [this.require(id).dir]);
  }

  /** Whether a model has a template for conversations, without loading it. */
  async hasChatTemplate(id: string): Promise<boolean> {
    return look('hasChatTemplate', [this.require(id).dir]);
  }

  /** Adapters and runs that name this model as their base. */
  uses(id: string) {
    const adapters = this.#catalog.adapters.list().filter(({ modelId }) => modelId === id);
    const runs = this.#catalog.runs.list().filter(({ modelId }) => modelId === id);
    return {
      adapters: adapters.map((adapter) => ({ id: adapter.id, name: adapter.name })),
      runs: runs.map((run) => ({ id: run.id, name: run.name, status: run.status })),
    };
  }

  /** Models of other programs on this machine, and those in the folders of the settings, that are not in the list. */
  async found(): Promise<FoundInPlace[]> {
    const known = new Set(this.#catalog.models.list().map(({ dir, gguf }) => gguf?.file ?? dir));
    const places = await lookForModels(modelPlaces(this.#settings.read().modelFolders));
    return places.map((place) => ({ ...place, models: place.models.filter(({ path: own }) => !known.has(own)) }));
  }

  /** Forgets a model, and drops its packed forms from the cache; its folder is left alone. */
  remove(id: string): { removed: string } {
    const { hash } = this.require(id);
    this.#catalog.models.remove(id);
    new PackedCache().forget(hash);
    return { removed: id };
  }
}
