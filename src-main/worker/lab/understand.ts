/** What adapters learnt: their updates read and taken apart matrix by matrix. */
import { amplificationOf } from '../../lab/amplification.ts';
import { Similarity } from '../../lab/pairs.ts';
import { spectrumOf } from '../../lab/spectrum.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type {
  AmplificationParams,
  AmplificationResult,
  LabParams,
  SimilarityParams,
  SimilarityResult,
  SpectrumResult,
} from '../../../src-shared/lab.ts';
import { each, withBase, type Emit } from './adapters.ts';

export async function labSpectrum(params: LabParams, emit: Emit): Promise<SpectrumResult> {
  return withBase(params, async ({ examine }) => {
    const { updates } = examine(params.adapterDir);
    const matrices = await each(updates, emit, async (update) => {
      const { S, squaredNorm } = await update.singularValues();
      return { name: update.name, ...spectrumOf(S, squaredNorm) };
    });
    return { matrices };
  });
}

export async function labSimilarity(params: SimilarityParams, emit: Emit): Promise<SimilarityResult> {
  return withBase(params, async ({ examine }) => {
    const { updates: one } = examine(params.adapterDir);
    const others = new Map(examine(params.otherDir).updates.map((update) => [update.name, update]));
    const both = one.filter(({ name }) => others.has(name));
    if (both.length === 0)
      throw usageError(
        'LAB_NOTHING_SHARED',
        `${params.adapterDir} and ${params.otherDir} change no layer that both change; choose two adapters with ` +
          'targets in common.',
        { adapter: params.adapterDir, other: params.otherDir },
      );
    const similarity = new Similarity();
    const pairs = await each(both, emit, (update) => similarity.of(update, others.get(update.name)!));
    const shared = new Set(both.map(({ name }) => name));
    const onlyInOne = [...one.map(({ name }) => name), ...others.keys()].filter((name) => !shared.has(name));
    return { pairs, onlyInOne };
  });
}

export async function labAmplification(params: AmplificationParams, emit: Emit): Promise<AmplificationResult> {
  return withBase(params, async ({ examine }) => {
    const { updates } = examine(params.adapterDir);
    const top = params.top ?? Math.max(...updates.map(({ lowRank }) => lowRank?.rank ?? DENSE_TOP));
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
