/** Matrices in pieces by rows, packed or not, in every op that reads them; what they stand for is the reference. */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseDtype } from '../../src-shared/baseDtypes.ts';
import { Random } from '../../src-shared/random.ts';
import { inPieces, type Parameter } from '../../src-main/engine/model/parameters.ts';
import { lookUp } from '../../src-main/engine/ops/embedding.ts';
import { frozenLinear } from '../../src-main/engine/ops/frozenLinear.ts';
import { labelSmoothingTerm } from '../../src-main/engine/ops/labelSmoothing.ts';
import { linearCrossEntropy } from '../../src-main/engine/ops/linearCrossEntropy.ts';
import { trainedLinear } from '../../src-main/engine/ops/trainedLinear.ts';
import { packMatrix, unpackMatrix } from '../../src-main/engine/packed/packMatrix.ts';
import { array64, randomArray, randomIds, type Array64 } from '../reference/array.ts';
import { embeddingReference, linearCrossEntropyReference } from '../reference/crossEntropy.ts';
import { toTensor, type OpCase } from './opCase.ts';

interface Table {
  /** Values by piece, as they come back from their packed form. */
  pieces: Record<string, Array64>;
  /** On the current backend; float32 pieces that are given take the place of the table's own. */
  parameter(given: Record<string, tf.Tensor>): Parameter;
}

function randomTable(dtype: BaseDtype, rows: readonly number[], C: number): Table {
  const random = new Random(C);
  const made = rows.map((R, i) => {
    const [name, values] = [`w${i}`, randomArray([R, C], random)];
    if (dtype === 'f32')
      return { name, values, of: (given?: tf.Tensor) => ({ name, value: given ?? toTensor(values) }) };
    const packed = packMatrix(name, Float32Array.from(values.data), R, C, dtype);
    return {
      name,
      values: array64([R, C], Float64Array.from(unpackMatrix(packed))),
      of: () => ({
        name,
        value: tf.tensor1d(packed.words, 'int32'),
        packed: { format: dtype, shape: [R, C] as [number, number] },
      }),
    };
  });
  return {
    pieces: Object.fromEntries(made.map(({ name, values }) => [name, values])),
    parameter: (given) => {
      const pieces = made.map(({ name, of }) => of(given[name]));
      return pieces.length === 1 ? pieces[0]! : inPieces('w', pieces);
    },
  };
}

/** The pieces below each other; those that are given take the place of the table's own. */
function whole(table: Table, given: Record<string, Array64>): Array64 {
  const parts = Object.entries(table.pieces).map(([name, values]) => given[name] ?? values);
  const C = parts[0]!.shape[1]!;
  const data = Float64Array.from(parts.flatMap((part) => [...part.data]));
  return array64([data.length / C, C], data);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Nine rows of the table, several of them twice. */
export function lookUpCase(dtype: BaseDtype, rows: readonly number[], C: number): OpCase {
  const table = randomTable(dtype, rows, C);
  const ids = randomIds(9, sum(rows), 3);
  return {
    inputs: dtype === 'f32' ? table.pieces : {},
    engine: (inputs) => lookUp(table.parameter(inputs), tf.tensor1d(ids, 'int32')),
    reference: (inputs) => embeddingReference(whole(table, inputs), ids),
  };
}

/** x·W^T + b where W is `out_in`, else x·W + b; the gradient of W where it is trained. */
export function linearCase(
  dtype: BaseDtype,
  rows: readonly number[],
  C: number,
  { layout, trained }: { layout: 'out_in' | 'in_out'; trained: boolean },
): OpCase {
  const table = randomTable(dtype, rows, C);
  const R = sum(rows);
  const [inner, width] = layout === 'out_in' ? [C, R] : [R, C];
  const [x, b] = [randomArray([5, inner], new Random(1)), randomArray([width], new Random(2))];
  return {
    inputs: trained ? { x, ...table.pieces } : { x, b },
    engine: ({ x, b, ...given }) =>
      trained
        ? trainedLinear(x as tf.Tensor2D, table.parameter(given), layout)
        : frozenLinear(x as tf.Tensor2D, table.parameter({}), b, layout),
    reference: ({ x, b, ...given }) => product(x!, whole(table, given), layout, b),
  };
}

function product(x: Array64, w: Array64, layout: 'out_in' | 'in_out', b: Array64 | undefined): Array64 {
  const [R, C] = w.shape as [number, number];
  const [N, width] = [x.shape[0]!, layout === 'out_in' ? R : C];
  const y = array64([N, width]);
  for (let n = 0; n < N; n++)
    for (let r = 0; r < R; r++)
      for (let c = 0; c < C; c++) {
        const [to, from] = layout === 'out_in' ? [n * R + r, n * C + c] : [n * C + c, n * R + r];
        y.data[to] = y.data[to]! + x.data[from]! * w.data[r * C + c]!;
      }
  return b
    ? array64(
        [N, width],
        y.data.map((value, i) => value + b.data[i % width]!),
      )
    : y;
}

/** The streamed loss, in chunks that no piece is a multiple of, of logits of up to a few units. */
export function pieceLossCase(
  dtype: BaseDtype,
  rows: readonly number[],
  C: number,
  {
    trainW,
    cap,
    smoothing,
    gradients = true,
  }: { trainW: boolean; cap: number; smoothing: number; gradients?: boolean },
): OpCase {
  const table = randomTable(dtype, rows, C);
  const [M, V] = [6, sum(rows)];
  const [h, labels] = [randomArray([M, C], new Random(4), 0.5), randomIds(M, V, 5)];
  return {
    inputs: trainW ? { h, ...table.pieces } : { h },
    engine: ({ h, ...given }) => {
      const [states, w, ids] = [h as tf.Tensor2D, table.parameter(given), tf.tensor1d(labels, 'int32')];
      const loss = linearCrossEntropy(states, w, ids, { gradients, trainW, cap, chunkLogits: 4 * M });
      return smoothing > 0 ? tf.add(loss, labelSmoothingTerm(states, w, ids, smoothing)) : loss;
    },
    reference: ({ h, ...given }) =>
      array64([], Float64Array.of(linearCrossEntropyReference(h!, whole(table, given), labels, { smoothing, cap }))),
  };
}
