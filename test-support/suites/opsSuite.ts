/**
 * Every op of the engine against a naive float64 reference: the forward pass, the gradient of every differentiable
 * input against central differences of that reference for a random dy, and that no tensor is left over.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../src-shared/backends.ts';
import type { BaseDtype } from '../../src-shared/baseDtypes.ts';
import { embedding } from '../../src-main/engine/ops/embedding.ts';
import { gelu } from '../../src-main/engine/ops/gelu.ts';
import { geluExact } from '../../src-main/engine/ops/geluExact.ts';
import { addLayerNorm, layerNorm } from '../../src-main/engine/ops/layerNorm.ts';
import { labelSmoothingTerm } from '../../src-main/engine/ops/labelSmoothing.ts';
import { linearCrossEntropy } from '../../src-main/engine/ops/linearCrossEntropy.ts';
import { loraLinear } from '../../src-main/engine/ops/loraLinear.ts';
import { addRmsNorm, rmsNorm } from '../../src-main/engine/ops/rmsNorm.ts';
import { rotary } from '../../src-main/engine/ops/rotary.ts';
import { addRowsOp, scatterAddRows } from '../../src-main/engine/ops/scatterAddRows.ts';
import { swiglu } from '../../src-main/engine/ops/swiglu.ts';
import { Random } from '../../src-shared/random.ts';
import { attentionCase, rowsAttentionCase, type RowsCase } from '../cases/attentionCase.ts';
import { lookUpCase, linearCase, pieceLossCase } from '../cases/piecesCase.ts';
import { bootOrNote } from '../checks/engineSkip.ts';
import { checkOp, expectTensor, toTensor, type OpCase } from '../cases/opCase.ts';
import { geluExactReference, geluReference, swigluReference } from '../reference/activations.ts';
import { array64, randomArray, randomIds } from '../reference/array.ts';
import { rotaryReference } from '../reference/attention.ts';
import { embeddingReference, linearCrossEntropyReference, scatterAddRowsReference } from '../reference/crossEntropy.ts';
import { loraLinearReference } from '../reference/lora.ts';
import { layerNormReference, rmsNormReference } from '../reference/norms.ts';

const ROWS_AND_WIDTHS: [number, number][] = [
  [1, 1],
  [3, 17],
  [17, 3],
  [5, 64],
];
/** B, H, K, T, S, D. */
const ATTENTION: [number, number, number, number, number, number][] = [
  [1, 1, 1, 1, 1, 1],
  [2, 4, 2, 3, 3, 6],
  [1, 6, 2, 17, 17, 4],
  [2, 4, 1, 3, 20, 2],
  [1, 2, 2, 1, 17, 8],
];
/** N, in, out, rank. */
const LORA: [number, number, number, number][] = [
  [1, 1, 1, 1],
  [5, 17, 3, 2],
  [18, 5, 66, 17],
];
const RULES = [
  { window: 3, cap: 0 },
  { window: 1, cap: 0 },
  { window: 0, cap: 0.5 },
  { window: 40, cap: 2 },
  { window: 0, cap: 1, scale: 0.3 },
];
const ROWS_ATTENTION: RowsCase[] = [
  { lengths: [1], heads: 1, kvHeads: 1, D: 2 },
  { lengths: [3, 3], heads: 4, kvHeads: 2, D: 6, rotary: true },
  { lengths: [17, 1, 6], heads: 2, kvHeads: 1, D: 3 },
  { lengths: [5, 19, 2], heads: 4, kvHeads: 2, D: 4, rotary: true, window: 4 },
  { lengths: [18, 7], heads: 2, kvHeads: 2, D: 4, cap: 0.7, window: 1 },
  { lengths: [18, 18], heads: 2, kvHeads: 1, D: 5, cap: 1.5, scale: 0.7 },
  { lengths: [4, 7], heads: 2, kvHeads: 1, D: 8, rotary: 'part' },
];
/** M, C, V, most logits held at once. */
const CROSS_ENTROPY: [number, number, number, number][] = [
  [1, 1, 2, 1 << 20],
  [7, 5, 17, 17],
  [7, 5, 17, 40],
  [17, 3, 33, 33 * 8],
  [6, 4, 10, 30],
  [5, 4, 10, 1],
];

/** Form, rows of each piece and width of a table; 70 values are more than a block of NF4. */
const PIECES: [BaseDtype, number[], number][] = [
  ['f32', [5, 5, 5, 2], 3],
  ['f32', [12, 1], 8],
  ['f16', [9], 70],
  ['bf16', [4, 4, 1], 70],
  ['int8', [5, 5, 5, 2], 70],
  ['int8', [9], 8],
  ['nf4', [6, 6, 3], 70],
];

/** Runs the suite on one engine; `rtol` is relative to the largest value of the tensor that is compared. */
export async function opsSuite(engine: BackendName, rtol: number): Promise<void> {
  const note = await bootOrNote(engine);
  describe.skipIf(note !== '')(`ops on ${engine} against float64${note}`, () => {
    const check = (op: OpCase): Promise<void> => checkOp(op, rtol);

    it.each(ROWS_AND_WIDTHS)('rmsNorm (%i, %i)', (N, C) => check(rmsNormCase(N, C)));
    it.each(ROWS_AND_WIDTHS)('layerNorm (%i, %i)', (N, C) => check(layerNormCase(N, C)));
    it.each(ROWS_AND_WIDTHS)('norms of a residual sum (%i, %i)', async (N, C) => {
      await check(addNormCase(N, C, 'rms'));
      await check(addNormCase(N, C, 'layer'));
    });
    it.each(ROWS_AND_WIDTHS)('gelu (%i, %i)', async (N, C) => {
      await check(geluCase(N, C));
      await check(geluExactCase(N, C));
    });
    it.each(ROWS_AND_WIDTHS)('swiglu (%i, %i)', (N, C) => check(swigluCase(N, C)));
    it.each([
      [1, 1, 1, 2, 2],
      [2, 3, 17, 6, 6],
      [2, 3, 5, 10, 4],
    ])('rotary (%i, %i, %i, %i), %i turn', (B, H, T, D, R) =>
      checkOp(rotaryCase(B, H, T, D, R), rtol, { gradients: false }),
    );
    it.each(ATTENTION)('attention B %i H %i K %i T %i S %i D %i', (...sizes) =>
      checkOp(attentionCase(...sizes), rtol, { gradients: false }),
    );
    it.each(RULES)('attention with window $window and cap $cap', (rule) =>
      checkOp(attentionCase(1, 2, 1, 5, 21, 4, rule), rtol, { gradients: false }),
    );
    it.each(ROWS_ATTENTION)(
      'attention over rows $lengths, $heads heads of $D, $kvHeads of keys, window $window, cap $cap, rotary $rotary',
      (rows) => check(rowsAttentionCase(rows)),
    );
    it.each(CROSS_ENTROPY)('linearCrossEntropy (%i, %i, %i) in chunks of %i logits', async (M, C, V, chunkLogits) => {
      for (const trainW of [true, false])
        for (const cap of [0, 0.8]) await check(crossEntropyCase(M, C, V, chunkLogits, { trainW, cap }));
    });
    it.each([
      [7, 5, 17, 40],
      [1, 1, 2, 1 << 20],
    ])('linearCrossEntropy (%i, %i, %i) with smoothed labels', async (M, C, V, chunkLogits) => {
      for (const trainW of [true, false])
        await check(crossEntropyCase(M, C, V, chunkLogits, { trainW, smoothing: 0.2 }));
    });
    it.each(PIECES)('%s in pieces of %j rows of %i: look-up, products, loss', async (dtype, rows, C) => {
      const isTrained = dtype === 'f32';
      await checkOp(lookUpCase(dtype, rows, C), rtol, { gradients: isTrained });
      for (const layout of ['out_in', 'in_out'] as const)
        for (const trained of isTrained ? [true, false] : [false])
          await check(linearCase(dtype, rows, C, { layout, trained }));
      for (const cap of [0, 0.8])
        for (const trainW of isTrained ? [true, false] : [false])
          await check(pieceLossCase(dtype, rows, C, { trainW, cap, smoothing: cap === 0 ? 0.2 : 0 }));
      const evaluated = { trainW: false, cap: 0, smoothing: 0, gradients: false };
      await checkOp(pieceLossCase(dtype, rows, C, evaluated), rtol, { gradients: false });
    });
    it.each(LORA)('loraLinear N %i, in %i, out %i, rank %i', (...sizes) => check(loraCase(...sizes)));
    it.each([
      [1, 1, 2],
      [17, 3, 5],
      [3, 17, 40],
    ])('embedding of %i ids, width %i, %i rows', (N, C, V) => check(embeddingCase(N, C, V)));
    it.each([
      [1, 1, 2],
      [17, 3, 5],
      [3, 17, 40],
    ])('scatterAddRows of %i rows, width %i, into %i', async (N, C, V) => {
      const x = randomArray([N, C], new Random(1));
      const rows = randomIds(N, V, 2);
      const sums = tf.tidy(() => scatterAddRows(toTensor(x) as tf.Tensor2D, tf.tensor1d(rows, 'int32'), V));
      await expectTensor(sums, scatterAddRowsReference(x, rows, V).data, rtol, 'sums');
    });
    it('addRows adds to a row as often as it is named, and leaves out what is elsewhere', async () => {
      const [sum, x] = [randomArray([6, 5], new Random(1)), randomArray([7, 5], new Random(2))];
      const ids = [12, 3, 15, 15, 10, 15, 16]; // rows 10 to 15 of a larger matrix are here
      const want = Float64Array.from(sum.data);
      ids.forEach((id, i) => {
        if (id < 10 || id > 15) return;
        for (let c = 0; c < 5; c++) want[(id - 10) * 5 + c]! += x.data[i * 5 + c]!;
      });
      const before = tf.memory().numTensors;
      const inputs = {
        sum: toTensor(sum) as tf.Tensor2D,
        x: toTensor(x) as tf.Tensor2D,
        ids: tf.tensor1d(ids, 'int32'),
      };
      await expectTensor(addRowsOp(inputs, { startRow: 10 })[0], want, rtol, 'sum');
      tf.dispose(inputs);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}

function rmsNormCase(N: number, C: number): OpCase {
  const random = new Random(N * C);
  return {
    inputs: { x: randomArray([N, C], random), w: randomArray([C], random) },
    engine: ({ x, w }) => rmsNorm(x as tf.Tensor2D, w!, 1e-2),
    reference: ({ x, w }) => rmsNormReference(x!, w!, 1e-2),
  };
}

function layerNormCase(N: number, C: number): OpCase {
  const random = new Random(N * C);
  return {
    inputs: { x: randomArray([N, C], random), w: randomArray([C], random), b: randomArray([C], random) },
    engine: ({ x, w, b }) => layerNorm(x as tf.Tensor2D, w!, b!, 1e-2),
    reference: ({ x, w, b }) => layerNormReference(x!, w!, b!, 1e-2),
  };
}

/** Sum and norm both go on: the op's output here is 2·(x + f) + norm(x + f). */
function addNormCase(N: number, C: number, kind: 'rms' | 'layer'): OpCase {
  const random = new Random(N * C);
  const b: OpCase['inputs'] = kind === 'layer' ? { b: randomArray([C], random) } : {};
  return {
    inputs: { x: randomArray([N, C], random), f: randomArray([N, C], random), w: randomArray([C], random), ...b },
    engine: ({ x, f, w, b }) => {
      const [sum, y] = b
        ? addLayerNorm(x as tf.Tensor2D, f as tf.Tensor2D, w!, b, 1e-2)
        : addRmsNorm(x as tf.Tensor2D, f as tf.Tensor2D, w!, 1e-2);
      return tf.add(tf.mul(sum, 2), y);
    },
    reference: ({ x, f, w, b }) => {
      const sum = array64(
        [N, C],
        x!.data.map((value, i) => value + f!.data[i]!),
      );
      const y = b ? layerNormReference(sum, w!, b, 1e-2) : rmsNormReference(sum, w!, 1e-2);
      return array64(
        [N, C],
        y.data.map((value, i) => value + 2 * sum.data[i]!),
      );
    },
  };
}

function geluCase(N: number, C: number): OpCase {
  return {
    inputs: { x: randomArray([N, C], new Random(N * C), 3) },
    engine: ({ x }) => gelu(x as tf.Tensor2D),
    reference: ({ x }) => geluReference(x!),
  };
}

function geluExactCase(N: number, C: number): OpCase {
  return {
    inputs: { x: randomArray([N, C], new Random(N * C), 3) },
    engine: ({ x }) => geluExact(x as tf.Tensor2D),
    reference: ({ x }) => geluExactReference(x!),
  };
}

function swigluCase(N: number, C: number): OpCase {
  const random = new Random(N * C);
  return {
    inputs: { gate: randomArray([N, C], random, 3), up: randomArray([N, C], random) },
    engine: ({ gate, up }) => swiglu(gate as tf.Tensor2D, up as tf.Tensor2D),
    reference: ({ gate, up }) => swigluReference(gate!, up!),
  };
}

function rotaryCase(B: number, H: number, T: number, D: number, R: number): OpCase {
  const random = new Random(T * D);
  const angles = randomArray([T, R / 2], random, 4);
  const table = (f: (angle: number) => number): tf.Tensor2D =>
    toTensor(array64(angles.shape, angles.data.map(f))) as tf.Tensor2D;
  return {
    inputs: { x: randomArray([B, H, T, D], random) },
    engine: ({ x }) => rotary(x as tf.Tensor4D, table(Math.cos), table(Math.sin)),
    reference: ({ x }) => rotaryReference(x!, angles),
  };
}

function crossEntropyCase(
  M: number,
  C: number,
  V: number,
  chunkLogits: number,
  { trainW, smoothing = 0, cap = 0 }: { trainW: boolean; smoothing?: number; cap?: number },
): OpCase {
  const random = new Random(M * V);
  const [h, w] = [randomArray([M, C], random), randomArray([V, C], random)];
  const labels = randomIds(M, V, 5);
  const run = (hTensor: tf.Tensor, wTensor: tf.Tensor): tf.Tensor => {
    const [h2, w2, ids] = [hTensor as tf.Tensor2D, { name: 'w', value: wTensor }, tf.tensor1d(labels, 'int32')];
    const loss = linearCrossEntropy(h2, w2, ids, { gradients: true, trainW, cap, chunkLogits });
    return smoothing > 0 ? tf.add(loss, labelSmoothingTerm(h2, w2, ids, smoothing)) : loss;
  };
  return {
    inputs: trainW ? { h, w } : { h },
    engine: (inputs) => run(inputs['h']!, inputs['w'] ?? toTensor(w)),
    reference: (inputs) =>
      array64(
        [],
        Float64Array.of(linearCrossEntropyReference(inputs['h']!, inputs['w'] ?? w, labels, { smoothing, cap })),
      ),
  };
}

function loraCase(N: number, inner: number, out: number, rank: number): OpCase {
  const random = new Random(N * rank);
  const [x, y, A, B] = [
    [N, inner],
    [N, out],
    [rank, inner],
    [out, rank],
  ].map((shape) => randomArray(shape, random));
  return {
    inputs: { x: x!, y: y!, A: A!, B: B! },
    engine: ({ x, y, A, B }) => loraLinear(x as tf.Tensor2D, y as tf.Tensor2D, A as tf.Tensor2D, B as tf.Tensor2D, 0.5),
    reference: ({ x, y, A, B }) => loraLinearReference(x!, y!, A!, B!, 0.5),
  };
}

function embeddingCase(N: number, C: number, V: number): OpCase {
  const ids = randomIds(N, V, 3);
  return {
    inputs: { table: randomArray([V, C], new Random(N * V)) },
    engine: ({ table }) => embedding(table as tf.Tensor2D, tf.tensor1d(ids, 'int32')),
    reference: ({ table }) => embeddingReference(table!, ids),
  };
}
