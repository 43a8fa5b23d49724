/**
 * `grow`: one step over length, over batch and over the size of the model, a fresh process for each so that its peak is
 * its own. States the exponent of every curve, and draws them.
 */
import { Random } from '../../src-shared/random.ts';
import type { Context } from '../lib/context.ts';
import { millionsOf, vocabularyOf, type Shape } from '../lib/models.ts';
import type { CaseResult, Row } from '../lib/result.ts';
import { randomExample } from '../lib/workload.ts';
import { growthCurves, type Sweep } from './growthCurves.ts';
import { raceTraining } from './training.ts';
import { withPeak } from './withPeak.ts';

interface Size {
  shape: Shape;
  B: number;
  T: number;
}

interface Sizes {
  byLength: Size[];
  byBatch: Size[];
  byModel: Size[];
}

/** By length at one row, by batch at 64 tokens, by model at one short row. */
function sizes(quick: boolean): Sizes {
  const shape = quick ? 'gpt2' : 'gpt2-2048';
  const lengths = quick ? [64, 256] : [64, 128, 256, 512, 1024, 2048];
  const batches = quick ? [1, 4] : [1, 2, 4, 8, 16];
  const models: Shape[] = quick
    ? ['gpt2-2-layers', shape]
    : ['gpt2-2-layers', 'gpt2-6-layers', shape, 'gpt2-medium', 'gpt2-large'];
  return {
    byLength: lengths.map((T) => ({ shape, B: 1, T })),
    byBatch: batches.map((B) => ({ shape, B, T: 64 })),
    byModel: models.map((model) => ({ shape: model, B: 1, T: quick ? 64 : 128 })),
  };
}

export async function grow(context: Context): Promise<CaseResult> {
  const { byLength, byBatch, byModel } = sizes(context.quick);
  const measured = new Map<string, Row[]>();
  for (const size of [...byLength, ...byBatch, ...byModel]) {
    const key = variantOf(size);
    if (!measured.has(key)) measured.set(key, await raceSize(context, size));
  }
  const sweep = (all: Size[], x: (size: Size) => number): { x: number; rows: Row[] }[] =>
    all.map((size) => ({ x: x(size), rows: measured.get(variantOf(size))! }));
  const sweeps: Sweep[] = [
    { name: 'length', xLabel: 'length of one row, tokens', points: sweep(byLength, ({ T }) => T) },
    { name: 'batch', xLabel: 'batch, rows of 64 tokens', points: sweep(byBatch, ({ B }) => B) },
    {
      name: 'size',
      xLabel: 'size of the model, million parameters',
      points: sweep(byModel, ({ shape }) => Number(millionsOf(shape).toPrecision(2))),
    },
  ];
  const { notes, plots } = growthCurves(sweeps);
  return withPeak(context, {
    name: 'grow',
    what: 'One step, GPT-2 shapes, r = 8 on q and v, all tokens labelled; model, batch x length.',
    rows: [...measured.values()].flat(),
    notes,
    plots,
  });
}

function variantOf({ shape, B, T }: Size): string {
  return `${shape}, ${B} x ${T}`;
}

async function raceSize(context: Context, { shape, B, T }: Size): Promise<Row[]> {
  const random = new Random(5);
  const batch = Array.from({ length: B }, () => randomExample(random, T, T, vocabularyOf(shape)));
  const work = { amount: B * T, unit: 'tokens/s' };
  const rounds = context.quick ? 2 : 3;
  return (
    await raceTraining(context, {
      variant: variantOf({ shape, B, T }),
      shape,
      targets: ['q', 'v'],
      batches: [batch],
      work,
      rounds,
      checkSteps: 2,
    })
  ).rows;
}
