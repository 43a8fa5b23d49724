/**
 * LoKr (Yeh et al. 2024, section 3.2): the update is s·(W1 ⊗ W2), s = alpha/r, a Kronecker product of W1 (l, m) and W2
 * (k, n) with out = l·k and in = m·n. W2 is a product of rank r where that is smaller than W2 itself. Shapes and start
 * are PEFT's: W1 zero, so that the model starts out equal to the base. The product with x never makes W1 ⊗ W2 itself.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LokrSettings } from '../../../src-shared/methods/lokr.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { Random } from '../../../src-shared/random.ts';
import {
  areWholeLinear,
  CellAdapter,
  cellsFrom,
  trainedCell,
  valueIn,
  writePeftCells,
  type CellMaths,
  type TrainedCell,
} from '../cells.ts';
import { kaimingUniform } from '../kaiming.ts';
import { fullLycorisConfig, lycorisFields } from '../lycoris.ts';
import type { Method } from '../method.ts';
import { adaptedModules } from '../targets.ts';
import { saveOwn } from '../values.ts';
import { lokrShapes } from './files.ts';

const MATHS: CellMaths = {
  apply: (y, x, cell) => tf.add(y, tf.mul(kroneckerProduct(x, ...factorsOf(cell)), tf.scalar(cell.scale))),
  /** W1 ⊗ W2. */
  update(cell) {
    const [w1, w2] = factorsOf(cell);
    const [[l, m], [k, n]] = [w1.shape, w2.shape];
    return tf.reshape(tf.mul(tf.reshape(w1, [l, 1, m, 1]), tf.reshape(w2, [1, k, 1, n])), [l * k, m * n]);
  },
};

export const lokrMethod: Method<LokrSettings, CellAdapter> = {
  create: ({ spec }, settings, { seed }) => ({ adapter: createLokr(spec, settings, seed) }),
  adapterFrom: (content) => new CellAdapter(cellsFrom(content), MATHS),
  async save(dir, adapter, settings, base, graft) {
    const { cells } = adapter;
    if (!areWholeLinear(cells)) return saveOwn(dir, adapter, graft);
    const config = fullLycorisConfig('LOKR', {
      ...lycorisFields(cells, settings, base.origin),
      decompose_both: false,
      decompose_factor: settings.factor ?? -1,
      rank_dropout_scale: false,
    });
    return writePeftCells(dir, config, cells, graft);
  },
};

/** W1 (l, m) and W2 (k, n). */
function factorsOf(cell: TrainedCell): [tf.Tensor2D, tf.Tensor2D] {
  const w2 = cell.parts['lokr_w2']?.value ?? tf.matMul(valueIn(cell, 'lokr_w2_a'), valueIn(cell, 'lokr_w2_b'));
  return [valueIn(cell, 'lokr_w1'), w2 as tf.Tensor2D];
}

/** x·(W1 ⊗ W2)^T. x: (N, m·n), w1: (l, m), w2: (k, n). Returns (N, l·k). */
function kroneckerProduct(x: tf.Tensor2D, w1: tf.Tensor2D, w2: tf.Tensor2D): tf.Tensor2D {
  const N = x.shape[0];
  const [l, m] = w1.shape;
  const [k, n] = w2.shape;
  const byW2 = tf.reshape(tf.matMul(tf.reshape(x, [N * m, n]) as tf.Tensor2D, w2, false, true), [N, m, k]);
  const turned = tf.reshape(tf.transpose(byW2, [0, 2, 1]), [N * k, m]) as tf.Tensor2D;
  const byBoth = tf.reshape(tf.matMul(turned, w1, false, true), [N, k, l]);
  return tf.reshape(tf.transpose(byBoth, [0, 2, 1]), [N, l * k]);
}

/** A new adapter. Throws on targets or ranks that do not fit. */
export function createLokr(spec: ArchitectureSpec, options: Omit<LokrSettings, 'type'>, seed: number): CellAdapter {
  const cells = adaptedModules(spec, options).map(({ module, rank }) => {
    const parts = Object.entries(lokrShapes(module, rank, options.factor)).map(([part, shape]) => {
      const [count, place] = [shape[0] * shape[1], `${part} ${module.layer} ${module.target}`];
      const data =
        part === 'lokr_w1' ? new Float32Array(count) : kaimingUniform(count, shape[1], Random.stream(seed, place));
      return [part, { shape, data }] as const;
    });
    return trainedCell(module, options.alpha / rank, Object.fromEntries(parts));
  });
  return new CellAdapter(cells, MATHS);
}
