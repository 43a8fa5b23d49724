/**
 * `sizes`: models of the sizes that people bring, in their exact shapes with random weights (bench/lib/bigModels.ts).
 * `cut`: two layers of the model on webgpu with a packed base, beside the same steps on tensorflow with the values that
 * the packed form stands for. `full`: every layer takes a step on webgpu. `cpu`: the same on tensorflow.
 */
import fs from 'node:fs';
import { usageError } from '../../src-shared/errors.ts';
import { Random } from '../../src-shared/random.ts';
import { BIG_CONFIGS, BIG_SHAPES, type BigShape } from '../lib/bigShapes.ts';
import { billionsOf, withBigModel } from '../lib/bigModels.ts';
import type { Context } from '../lib/context.ts';
import type { CaseResult, Row } from '../lib/result.ts';
import { SIZE_PARTS, type SizePart } from '../lib/sizeParts.ts';
import { writeUnpacked } from '../lib/unpackedModel.ts';
import { randomExample } from '../lib/workload.ts';
import type { Example } from '../peers/protocol.ts';
import { stepAlone, type Alone } from './stepAlone.ts';

const CUT_LAYERS = 2;
/** What each model is for, unless `--parts` says otherwise. */
const USUAL_PARTS: Record<BigShape, SizePart[]> = {
  'tinyllama-1.1b': ['cpu'],
  'llama-3.2-1b': ['cut'],
  'llama-3.2-3b': ['cpu'],
  'llama-3-8b': ['cut', 'full'],
  'qwen2.5-7b': ['cut'],
  'gemma-2-9b': ['cut'],
  tiny: [],
};
const GPU_LAYERS = 'nf4';
const EMBEDDING = 'int8';
/** Largest difference of the losses of one step on two engines. */
const LOSS_TOLERANCE = 1e-2;

export async function sizes(context: Context): Promise<CaseResult> {
  const { tokens } = context.sizes;
  const rows: Row[] = [];
  const notes: string[] = [];
  for (const [shape, part] of plan(context)) {
    context.say(`${shape}, ${part}: writing the checkpoint …`);
    const random = new Random(7);
    const vocabulary = BIG_CONFIGS[shape].vocab_size as number;
    const result = await PARTS[part](context, shape, randomExample(random, tokens, tokens, vocabulary));
    for (const note of result.notes) context.say(note);
    rows.push(...result.rows);
    notes.push(...result.notes);
  }
  return {
    name: 'sizes',
    what: `A LoRA step of 1 x ${tokens} tokens (r = 8 on q and v) on random checkpoints in the shapes of real models.`,
    rows,
    notes,
  };
}

function plan({ sizes: { models, parts }, tiny }: Context): [BigShape, SizePart][] {
  if (tiny) return (parts ?? [...SIZE_PARTS]).map((part) => ['tiny', part]);
  const shapes = models ?? BIG_SHAPES;
  const all = shapes.flatMap((shape) =>
    (parts ?? USUAL_PARTS[shape]).map((part): [BigShape, SizePart] => [shape, part]),
  );
  if (all.length === 0)
    throw usageError('BENCH_INPUT', 'Nothing to measure is left; give --parts cut, full or cpu for these models.');
  return all;
}

type Part = (context: Context, shape: BigShape, example: Example) => Promise<{ rows: Row[]; notes: string[] }>;

const PARTS: Record<SizePart, Part> = { cut, full, cpu };

/** Throws where the losses are further apart than `LOSS_TOLERANCE`, or not finite. */
async function cut(context: Context, shape: BigShape, example: Example): ReturnType<Part> {
  return withBigModel(shape, CUT_LAYERS, async (dir) => {
    const variant = `${shape}, ${CUT_LAYERS} layers`;
    const work = { variant, examples: [example], steps: 2 };
    const packed = { ...work, dir, engine: 'webgpu', base: GPU_LAYERS, embedding: EMBEDDING } as const;
    const onCard = await stepAlone(context, packed);
    const unpacked = `${dir}-unpacked`;
    try {
      await writeUnpacked(dir, unpacked, { layers: GPU_LAYERS, embedding: EMBEDDING });
      const plain = { ...work, dir: unpacked, engine: 'tensorflow', base: 'f32', embedding: 'f32' } as const;
      const onCpu = await stepAlone(context, plain);
      const apart = Math.max(...onCard.losses.map((loss, i) => Math.abs(loss - onCpu.losses[i]!)));
      const said = `losses ${text(onCard)} on webgpu, ${text(onCpu)} on tensorflow with the unpacked values`;
      if (!(apart <= LOSS_TOLERANCE)) throw new Error(`${variant}: ${said}; ${apart} apart, no figure is reported`);
      return {
        rows: [onCard.row, onCpu.row],
        notes: [`${variant}: ${said}, ${apart.toExponential(1)} apart.`],
      };
    } finally {
      fs.rmSync(unpacked, { recursive: true, force: true });
    }
  });
}

async function full(context: Context, shape: BigShape, example: Example): ReturnType<Part> {
  return whole(context, shape, example, { engine: 'webgpu', base: GPU_LAYERS, embedding: EMBEDDING });
}

async function cpu(context: Context, shape: BigShape, example: Example): ReturnType<Part> {
  const base = context.base === 'f32' ? 'bf16' : context.base;
  return whole(context, shape, example, { engine: 'tensorflow', base, embedding: base === 'nf4' ? EMBEDDING : base });
}

async function whole(
  context: Context,
  shape: BigShape,
  example: Example,
  how: Pick<Alone, 'engine' | 'base' | 'embedding'>,
): ReturnType<Part> {
  return withBigModel(shape, undefined, async (dir) => {
    const variant = `${shape}, whole`;
    const result = await stepAlone(context, { ...how, variant, dir, examples: [example], steps: 1 });
    if (!result.losses.every(Number.isFinite)) throw new Error(`${variant}: the loss is ${text(result)}`);
    return {
      rows: [result.row],
      notes: [
        `${variant}, ${billionsOf(shape).toFixed(2)} thousand million weights: loss ${text(result)}; ready to train ` +
          `after ${(result.loadMs / 1000).toFixed(0)} s.`,
      ],
    };
  });
}

function text({ losses }: { losses: number[] }): string {
  return losses.map((loss) => loss.toFixed(4)).join(' ');
}
