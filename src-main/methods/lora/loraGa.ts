/**
 * LoRA-GA (Wang et al. 2024, arXiv:2407.05000): with U S V^T the gradient of W on a few batches, A starts as the first
 * r right singular vectors and B as the next r left ones (direction ArB2r), on what W is without s·BA
 * (residualStart.ts), so that the first step of A and B is near that of W itself. B is scaled as PEFT's "stable" does:
 * by S·m^0.25/sqrt(gamma), m the first dimension of the weight as it is stored, which for GPT-2's layout is its input.
 */
import type { Batch } from '../../engine/train/batchLoss.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { gradientComponents } from '../firstGradient.ts';
import type { Probe } from '../probe.ts';
import type { LoraPair } from './pair.ts';
import type { Start } from './residualStart.ts';

const GAMMA = 16;
/** Batches and rows that the gradient is the mean of, at least. */
const BATCHES = 4;
const ROWS = 32;

/** As many batches of the run, from its first on, as the gradient is taken of. */
export function gradientBatches(probe: Probe): Batch[] {
  const batches: Batch[] = [];
  for (let rows = 0; batches.length < BATCHES || rows < ROWS; rows += batches.at(-1)!.B)
    batches.push(probe.batch(batches.length));
  return batches;
}

/** Of each pair, from the gradients of the base. The ranks are at most half the narrower side. */
export async function loraGaStarts(
  model: Decoder,
  pairs: LoraPair[],
  batches: Batch[],
  { seed, onBatch }: { seed: number; onBatch?: Probe['onBatch'] },
): Promise<Start[]> {
  const ranks = pairs.map(({ A }) => A.value.shape[0]!);
  const modules = pairs.map(({ module }) => module);
  const k = 2 * Math.max(...ranks);
  const components = await gradientComponents(model, modules, batches, { k, seed, onBatch });
  return components.map(({ U, S, V, module }, i): Start => {
    const r = ranks[i]!;
    const { inFeatures, outFeatures, layout } = module;
    const width = S.length;
    const factor = (layout === 'in_out' ? inFeatures : outFeatures) ** 0.25 / Math.sqrt(GAMMA);
    const B = new Float32Array(outFeatures * r);
    for (let row = 0; row < outFeatures; row++)
      for (let j = 0; j < r; j++) B[row * r + j] = U[row * width + r + j]! * S[r + j]! * factor;
    return { A: Float32Array.from(V.subarray(0, r * inFeatures)), B };
  });
}
