/**
 * `long`: one step on a single row of thousands of tokens, activations computed again for the gradient on both sides
 * (the rival: torch.utils.checkpoint around each block, and its logits some rows at a time).
 */
import { Random } from '../../src-shared/random.ts';
import type { Context } from '../lib/context.ts';
import { vocabularyOf, type Shape } from '../lib/models.ts';
import type { CaseResult, Row } from '../lib/result.ts';
import { randomExample } from '../lib/workload.ts';
import { growthCurves } from './growthCurves.ts';
import { raceTraining } from './training.ts';
import { withPeak } from './withPeak.ts';

const LENGTHS = [2048, 4096, 8192, 16384];
const QUICK_LENGTHS = [1024, 2048];
const TINY_LENGTHS = [256, 512];

export async function long(context: Context): Promise<CaseResult> {
  const shape: Shape = context.tiny ? 'tiny' : 'smollm-16384';
  const lengths = context.tiny ? TINY_LENGTHS : context.quick ? QUICK_LENGTHS : LENGTHS;
  const points: { x: number; rows: Row[] }[] = [];
  const notes: string[] = [];
  for (const T of lengths) {
    const result = await raceTraining(context, {
      variant: `1 x ${T}`,
      shape,
      targets: ['q', 'v'],
      batches: [[randomExample(new Random(8), T, T, vocabularyOf(shape))]],
      work: { amount: T, unit: 'tokens/s' },
      recompute: true,
      rounds: context.quick || context.tiny ? 1 : 2,
      checkSteps: 2,
    });
    points.push({ x: T, rows: result.rows });
    notes.push(...result.notes);
  }
  const curves = growthCurves([{ name: 'context', xLabel: 'length of the one row, tokens', points }]);
  return withPeak(context, {
    name: 'long',
    what: 'One step on one row, SmolLM-135M shape, r = 8 on q and v, all tokens labelled, blocks computed again.',
    rows: points.flatMap(({ rows }) => rows),
    notes: [...curves.notes, ...notes],
    plots: curves.plots,
  });
}
