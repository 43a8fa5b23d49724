/** Finds the model and the adapter that a command line names. */
import fs from 'node:fs';
import path from 'node:path';
import { readGraftInfo, refuseWholeModel } from '../../adapters/files.ts';
import type { RegisteredModel } from '../../catalog/models.ts';
import { isGgufFile } from '../../app/models/ggufFile.ts';
import { refuseRepository } from '../../app/models/repository.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { Services } from '../../app/services.ts';

export interface FoundAdapter {
  /** Null: not in the catalogue. */
  id: string | null;
  dir: string;
}

/** A folder, registered or not, or a registered GGUF file, else the id or the name of a registered model. */
export function modelDirOf({ catalog }: Services, text: string): string {
  if (isGgufFile(text) && fs.existsSync(text)) return ggufDirOf(catalog.models.list(), text);
  if (fs.existsSync(text)) return path.resolve(text);
  const named = catalog.models.get(text) ?? catalog.models.list().find((model) => model.name === text);
  if (named) return named.dir;
  refuseRepository(text);
  throw usageError(
    'MODEL_NOT_FOUND',
    `There is no folder and no base model "${text}"; "models list" shows the registered ones.`,
    { model: text },
  );
}

/** The id of a registered model that is named by id, name or folder. Throws MODEL_NOT_FOUND. */
export function modelIdOf({ catalog }: Services, text: string): string {
  const dir = path.resolve(text);
  const models = catalog.models.list();
  const model =
    catalog.models.get(text) ??
    models.find(({ name, ...at }) => name === text || at.dir === dir || at.gguf?.file === dir);
  if (model) return model.id;
  if (fs.existsSync(text)) throw notAdded(dir, text);
  throw usageError(
    'MODEL_NOT_FOUND',
    `There is no registered base model "${text}"; "models list" shows those that exist.`,
    { model: text },
  );
}

function notAdded(path: string, text: string): Error {
  return usageError('MODEL_NOT_FOUND', `${path} is not in the catalogue; add it first: models add "${text}".`, {
    path,
  });
}

function ggufDirOf(models: RegisteredModel[], text: string): string {
  const file = path.resolve(text);
  const known = models.find(({ gguf }) => gguf?.file === file);
  if (known) return known.dir;
  throw notAdded(file, text);
}

/**
 * The id of a registered adapter, else a PEFT folder (which may be a registered one). Throws ADAPTER_NOT_FOUND, or
 * NOT_AN_ADAPTER for a model.
 */
export function adapterOf(services: Services, text: string): FoundAdapter {
  const found = tunedOf(services, text);
  refuseWholeModel(found.dir);
  return found;
}

/** The same, or what full fine-tuning made: a registered model, or the folder of one. Throws ADAPTER_NOT_FOUND. */
export function tunedOf({ catalog }: Services, text: string): FoundAdapter {
  const named = catalog.adapters.get(text);
  if (named) return { id: named.id, dir: named.dir };
  const dir = catalog.models.get(text)?.dir ?? path.resolve(text);
  if (!fs.existsSync(dir))
    throw usageError(
      'ADAPTER_NOT_FOUND',
      `There is no adapter and no folder "${text}"; "adapters list" shows the registered ones.`,
      { adapter: text },
    );
  if (fs.statSync(dir).isFile())
    throw usageError(
      'ADAPTER_NOT_FOUND',
      `${dir} is a file; an adapter in a file is brought in first: adapters import "${text}".`,
      { adapter: text },
    );
  return { id: catalog.adapters.list().find((adapter) => adapter.dir === dir)?.id ?? null, dir };
}

/** The base that a command works on: as named, else the registered one that the adapter was trained on. */
export function baseDirFor(services: Services, model: string | undefined, adapter: FoundAdapter | undefined): string {
  if (model === undefined && !adapter)
    throw usageError('BAD_USAGE', '--model is missing; give the folder of the base model.');
  const dir = knownBaseDir(services, model, adapter);
  if (dir !== undefined) return dir;
  throw usageError(
    'BASE_UNKNOWN',
    `The base model of ${adapter?.dir} is not in the catalogue; name its folder with --model.`,
    { adapter: adapter?.dir },
  );
}

/** The same, undefined where nobody knows it. */
export function knownBaseDir(
  services: Services,
  model: string | undefined,
  adapter: FoundAdapter | undefined,
): string | undefined {
  if (model !== undefined) return modelDirOf(services, model);
  return adapter && baseOf(services, adapter)?.dir;
}

function baseOf({ catalog }: Services, adapter: FoundAdapter): RegisteredModel | undefined {
  const row = adapter.id === null ? undefined : catalog.adapters.get(adapter.id);
  const byId = row?.modelId ? catalog.models.get(row.modelId) : undefined;
  if (byId) return byId;
  const hash = row?.baseHash ?? readGraftInfo(adapter.dir)?.baseHash;
  return hash === undefined ? undefined : catalog.models.list().find((model) => model.hash === hash);
}
