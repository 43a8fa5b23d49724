/** Which registered base models an adapter folder fits, and what it holds. */
import fs from 'node:fs';
import path from 'node:path';
import type { RegisteredModel } from '../../catalog/models.ts';
import { readForeignLora, storedForeign, type ForeignOptions } from '../../adapters/formats/foreign.ts';
import { adapterFolder, isTorchAdapter } from '../../adapters/files.ts';
import { assertAdapterFitsBase } from '../../adapters/fit.ts';
import type { StoredAdapter } from '../../adapters/stored.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { modelNameOf } from '../../basemodel/folderName.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { withTargets } from '../../methods/targets.ts';
import { GraftError, toErrorData } from '../../../src-shared/errors.ts';
import { isAdapter, methodSchema, type AdapterSettings } from '../../../src-shared/methods/registry.ts';

interface Fit {
  model: RegisteredModel;
  method: AdapterSettings;
  /** Tensors of the base that it has in a form of its own. */
  replaces: string[];
}

interface AdapterFits {
  /** `task`: of the run that made it; null for an adapter made elsewhere. */
  stored: {
    /** A file for formats that are one. */
    dir: string;
    sha256: string;
    sizeBytes: number;
    task: string | null;
    /** `mlx-lm`, `GGUF`, `loralib`, `PyTorch`, of which an import makes a PEFT adapter; null: it is copied. */
    format: string | null;
  };
  /** The likeliest first; never empty. */
  fits: Fit[];
}

/** Throws why the folder cannot be read, or ADAPTER_BASE_MISSING: which tensor, which base. */
export function adapterFits(given: string, models: RegisteredModel[], options: ForeignOptions = {}): AdapterFits {
  const dir = adapterFolder(given);
  const foreign = readForeignLora(dir, options);
  if (!foreign && fs.statSync(dir, { throwIfNoEntry: false })?.isFile())
    throw new GraftError(
      'PEFT_NOT_FOUND',
      `${dir} is neither a LoRA in GGUF nor one of loralib's (.pt); choose such a file, or the folder of an adapter.`,
      { dir },
    );
  const stored = foreign ? storedForeign(foreign) : readAdapter(dir);
  const { dir: root, sha256, sizeBytes, graft } = stored;
  const format = foreign?.format ?? (isTorchAdapter(root) ? 'PyTorch' : null);
  return { stored: { dir: root, sha256, sizeBytes, task: graft?.task ?? null, format }, fits: fitting(models, stored) };
}

/** The registered models that the adapter fits, the one its configuration names first. Throws ADAPTER_BASE_MISSING. */
function fitting(models: RegisteredModel[], stored: StoredAdapter): Fit[] {
  const { graft } = stored;
  const candidates = graft ? models.filter(({ hash }) => hash === graft.baseHash) : models;
  if (candidates.length === 0) throw noCandidate(stored);
  const reasons: string[] = [];
  const fits = candidates.flatMap((model): Fit[] => {
    try {
      return [{ model, ...contentOn(model, stored) }];
    } catch (error) {
      reasons.push(toErrorData(error).message);
      return [];
    }
  });
  if (fits.length === 0) throw noneFits(stored, candidates, reasons);
  const { baseName } = stored;
  return fits.sort((a, b) => Number(isNamed(b.model, baseName)) - Number(isNamed(a.model, baseName)));
}

/** What graft.json says, else what configuration and tensors do. */
function contentOn(model: RegisteredModel, stored: StoredAdapter): Omit<Fit, 'model'> {
  const base = openBaseModel(model.dir);
  try {
    const { settings, replaced } = assertAdapterFitsBase(stored, base);
    const own = methodSchema.safeParse(stored.graft?.method);
    const method = own.success && isAdapter(own.data) ? withTargets(base.spec, own.data) : settings;
    return { method, replaces: [...replaced.keys()] };
  } finally {
    base.close();
  }
}

function noCandidate({ dir, graft }: StoredAdapter): GraftError {
  const needs = graft
    ? `was trained on ${graft.baseName} (${graft.baseHash.slice(0, 12)}), which is not among the registered base models`
    : 'cannot be checked, because no base model is registered';
  return new GraftError(
    'ADAPTER_BASE_MISSING',
    `The adapter in ${dir} ${needs}; add the folder of its base model, then import it again.`,
    { adapter: dir, want: graft?.baseHash ?? null },
  );
}

/** Reasons of so many models are told. */
const MOST_REASONS = 3;

/** One model: its own reason is the whole answer. Several: the reason of each of the first. */
function noneFits({ dir }: StoredAdapter, models: RegisteredModel[], reasons: string[]): GraftError {
  const details = { adapter: dir, reasons };
  if (reasons.length === 1) return new GraftError('ADAPTER_BASE_MISSING', reasons[0]!, details);
  const each = models.slice(0, MOST_REASONS).map(({ name }, i) => `${name}: ${reasons[i]}`);
  const more = models.length - each.length;
  if (more > 0) each.push(`The other ${more} fit as little.`);
  return new GraftError(
    'ADAPTER_BASE_MISSING',
    `The adapter in ${dir} fits none of the ${models.length} registered base models; add the folder of its ` +
      `base model. ${each.join(' ')}`,
    details,
  );
}

function isNamed({ dir, name }: RegisteredModel, named: string | null): boolean {
  if (named === null) return false;
  const names = [name, modelNameOf(dir), path.basename(dir)];
  return dir === named || names.some((one) => one === named || one === path.basename(named));
}
