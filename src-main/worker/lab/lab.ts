/** The lab's calls: adapters of one base, read and taken apart matrix by matrix. */
import { assertAdapterFitsBase } from '../../adapters/fit.ts';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { amplificationOf } from '../../lab/amplification.ts';
import { similarityOf } from '../../lab/pairs.ts';
import { spectrumOf } from '../../lab/spectrum.ts';
import { updatesOf, type Update } from '../../lab/update.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type {
  AmplificationParams,
  AmplificationResult,
  LabParams,
  LabProgress,
  SimilarityParams,
  SimilarityResult,
  SpectrumResult,
} from '../../../src-shared/lab.ts';
import { useBackend } from '../backend.ts';

type Emit = (progress: LabProgress) => void;

export async function labSpectrum(params: LabParams, emit: Emit): Promise<SpectrumResult> {
  return withBase(params, async (base) => {
    const updates = readUpdates(params.adapterDir, base);
    const matrices = await each(updates, emit, async (update) => ({
      name: update.name,
      ...spectrumOf((await update.decompose()).S, update.squaredNorm()),
    }));
    return { matrices };
  });
}

export async function labSimilarity(params: SimilarityParams, emit: Emit): Promise<SimilarityResult> {
  return withBase(params, async (base) => {
    const one = readUpdates(params.adapterDir, base);
    const others = new Map(readUpdates(params.otherDir, base).map((update) => [update.name, update]));
    const both = one.filter(({ name }) => others.has(name));
    if (both.length === 0)
      throw usageError(
        'LAB_NOTHING_SHARED',
        `${params.adapterDir} and ${params.otherDir} change no layer that both change; choose two adapters with ` +
          'targets in common.',
        { adapter: params.adapterDir, other: params.otherDir },
      );
    const pairs = await each(both, emit, (update) => similarityOf(update, others.get(update.name)!));
    const shared = new Set(both.map(({ name }) => name));
    const onlyInOne = [...one.map(({ name }) => name), ...others.keys()].filter((name) => !shared.has(name));
    return { pairs, onlyInOne };
  });
}

export async function labAmplification(params: AmplificationParams, emit: Emit): Promise<AmplificationResult> {
  return withBase(params, async (base) => {
    const updates = readUpdates(params.adapterDir, base);
    const top = params.top ?? Math.max(...updates.map(({ factors }) => factors?.left.length ?? DENSE_TOP));
    const narrow = updates.find((update) => top > Math.min(update.in, update.out));
    if (narrow)
      throw usageError(
        'LAB_TOP',
        `${narrow.name} is ${narrow.out} x ${narrow.in} and so has no ${top} directions; choose a smaller number.`,
        { top, name: narrow.name },
      );
    return { top, matrices: await each(updates, emit, (update) => amplificationOf(update, top)) };
  });
}

/** Directions looked at of an update without a rank of its own. */
const DENSE_TOP = 8;

async function withBase<T>({ engine, modelDir }: LabParams, work: (base: BaseModel) => Promise<T>): Promise<T> {
  const base = openBaseModel(modelDir);
  try {
    await useBackend(engine);
    return await work(base);
  } finally {
    base.close();
  }
}

/** Throws as reading an adapter does, ADAPTER_WRONG_BASE, and LAB_NO_UPDATE for a method without dW. */
function readUpdates(dir: string, base: BaseModel): Update[] {
  const content = assertAdapterFitsBase(readAdapter(dir), base);
  const updates = updatesOf(content, base);
  if (updates.length > 0) return updates;
  throw new GraftError(
    'LAB_NO_UPDATE',
    `The adapter in ${dir} (method ${content.settings.type}) changes no weight matrix, so there is no update to ` +
      'decompose; choose one of a method that has one, such as LoRA, LoHa, LoKr, DoRA, IA3 or MiSS.',
    { adapter: dir, method: content.settings.type },
  );
}

async function each<T>(updates: Update[], emit: Emit, work: (update: Update) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const [i, update] of updates.entries()) {
    results.push(await work(update));
    emit({ done: i + 1, total: updates.length });
  }
  return results;
}
