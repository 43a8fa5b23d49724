/**
 * Brings an adapter from elsewhere into the catalogue: it is checked against the registered base models, copied into
 * the data folder in one step, and listed under a task. A folder of PEFT's or Graft's own is copied as it is; one of
 * mlx-lm, a LoRA in GGUF and one of loralib's become a PEFT adapter, and weights in PyTorch's format safetensors.
 */
import fs from 'node:fs';
import path from 'node:path';
import { keptTemplate } from '../../adapters/keptTemplate.ts';
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../adapters/files.ts';
import { GRAFT_FILE } from '../../adapters/graftInfo.ts';
import { systemErrorAbout } from '../../files/systemError.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { writeFolderAtomic } from '../../files/writeWhole.ts';
import { newId } from '../ids.ts';
import { look } from '../looking/look.ts';
import type { Home } from '../storage/home.ts';
import { ensureTask } from '../tasks/ensureTask.ts';
import type { ImportRequest } from './inputs.ts';
import type { MethodText } from '../../../src-shared/methods/method.ts';
import { describeMethod, type AdapterSettings } from '../../../src-shared/methods/registry.ts';

/** What a folder or file holds, before it is imported. */
export interface AdapterInspection {
  /** Absolute path. */
  dir: string;
  /** Suggested name. */
  name: string;
  /** Of the run that made it; null for an adapter made elsewhere. */
  task: string | null;
  method: AdapterSettings;
  methodText: MethodText;
  sizeBytes: number;
  sha256: string;
  /** What an import turns into a PEFT adapter: `mlx-lm`, `GGUF`, `loralib`, `PyTorch`; null: it is copied. */
  format: string | null;
  /** Registered base models it fits, the likeliest first; never empty. */
  bases: { id: string; name: string }[];
  /** Adapters of the catalogue with the same weights. */
  same: { id: string; name: string }[];
}

/**
 * Throws why the folder cannot be read, or ADAPTER_BASE_MISSING where no registered base model fits: which tensor,
 * which base.
 */
export async function inspectAdapter(
  catalog: Catalog,
  { dir, alpha }: Pick<ImportRequest, 'dir' | 'alpha'>,
  signal?: AbortSignal,
): Promise<AdapterInspection> {
  const { stored, fits } = await look('adapterFits', [dir, catalog.models.list(), { alpha }], { signal });
  const { method } = fits[0]!;
  return {
    dir: stored.dir,
    name: path.basename(stored.dir).replace(/\.(gguf|pt|pth|bin)$/, ''),
    task: stored.task,
    method,
    methodText: describeMethod(method),
    sizeBytes: stored.sizeBytes,
    sha256: stored.sha256,
    format: stored.format,
    bases: fits.map(({ model: { id, name } }) => ({ id, name })),
    same: catalog.adapters
      .list()
      .filter(({ sha256 }) => sha256 === stored.sha256)
      .map(({ id, name }) => ({ id, name })),
  };
}

/**
 * Copies the folder, or converts it, then writes the row; the task is made when there is none of this name. Throws as
 * inspectAdapter, or DISK_FULL, NOT_ALLOWED. `origin`: where it comes from, if not from that folder.
 */
export async function importAdapter(
  home: Home,
  catalog: Catalog,
  { dir, taskName, name, modelId, alpha }: ImportRequest,
  origin?: string,
): Promise<Adapter> {
  const { stored, fits } = await look('adapterFits', [dir, catalog.models.list(), { alpha }]);
  const fit = modelId === undefined ? fits[0]! : fits.find(({ model }) => model.id === modelId);
  if (!fit)
    throw usageError(
      'ADAPTER_BASE_MISSING',
      `The adapter in ${stored.dir} does not fit the base model that was chosen; choose ` +
        `${fits.map(({ model }) => model.name).join(' or ')}.`,
      { adapter: stored.dir, modelId },
    );
  const id = newId('adapter');
  const target = home.adapterDir(id);
  const { sha256, sizeBytes } = await bringIn({ ...stored, alpha }, fit.model.dir, target);
  try {
    catalog.transaction(() => {
      const task = ensureTask(catalog, taskName);
      catalog.adapters.insert({
        id,
        name,
        taskId: task.id,
        runId: null,
        modelId: fit.model.id,
        baseHash: fit.model.hash,
        dir: target,
        sha256,
        sizeBytes,
        method: fit.method,
        finalLoss: null,
        valLoss: null,
        importedFrom: origin ?? stored.dir,
        promptTemplate: keptTemplate(target)?.name ?? null,
        createdAt: new Date().toISOString(),
      });
      const notes = notesOn(stored, fit.replaces);
      if (notes !== '') catalog.adapters.update(id, { notes });
      if (task.activeAdapterId === null) catalog.tasks.setActive(task.id, id);
    });
  } catch (error) {
    fs.rmSync(target, { recursive: true, force: true });
    throw error;
  }
  return catalog.adapters.get(id)!;
}

const MOST_NAMES = 6;

/** Where it comes from, and what it does beside its method. */
function notesOn({ dir, format }: { dir: string; format: string | null }, replaces: string[]): string {
  const more = replaces.length > MOST_NAMES ? ` and ${replaces.length - MOST_NAMES} more` : '';
  return [
    ...(format === null ? [] : [`Converted from ${format}: ${path.basename(dir)}`]),
    ...(replaces.length === 0 ? [] : [`It has its own ${replaces.slice(0, MOST_NAMES).join(', ')}${more}.`]),
  ].join('\n');
}

/** Of the weights that lie in `target` then. */
async function bringIn(
  {
    dir,
    sha256,
    sizeBytes,
    format,
    alpha,
  }: { dir: string; sha256: string; sizeBytes: number; format: string | null; alpha: number | undefined },
  modelDir: string,
  target: string,
): Promise<{ sha256: string; sizeBytes: number }> {
  if (format !== null)
    return look('convertAdapter', [{ from: dir, sha256, modelDir, outDir: target, options: { alpha } }]);
  await copyFiles(dir, target, sha256);
  return { sha256, sizeBytes };
}

/**
 * Copies what makes the adapter (a folder of PEFT's may hold a whole training's state beside it) in one step, and reads
 * the weights back. Throws COPY_DIFFERS.
 */
async function copyFiles(from: string, to: string, sha256: string): Promise<void> {
  try {
    await writeFolderAtomic(to, async (temporary) => {
      for (const name of [ADAPTER_CONFIG, GRAFT_FILE, ADAPTER_WEIGHTS]) {
        if (fs.existsSync(path.join(from, name)))
          await fs.promises.copyFile(path.join(from, name), path.join(temporary, name));
      }
      refuseOther(from, await look('fileSha256', [path.join(temporary, ADAPTER_WEIGHTS)]), sha256);
    });
  } catch (error) {
    throw systemErrorAbout(error, to);
  }
}

function refuseOther(from: string, got: string, sha256: string): void {
  if (got !== sha256)
    throw new GraftError(
      'COPY_DIFFERS',
      `The weights in ${from} have changed while they were copied; try again when nothing writes to that folder.`,
      { from, got, want: sha256 },
    );
}
