/**
 * LoHa (Hyeon-Woo et al. 2022, proposition 1): the update is s·(W1a·W1b)∘(W2a·W2b), s = alpha/r, of rank up to r^2.
 * Shapes and start are PEFT's: all four random but W2b, which is zero, so that the model starts out equal to the base.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LohaSettings } from '../../../src-shared/methods/loha.ts';
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
} from '../cells.ts';
import { kaimingUniform } from '../kaiming.ts';
import { fullLycorisConfig, lycorisFields } from '../lycoris.ts';
import type { Method } from '../method.ts';
import { adaptedModules } from '../targets.ts';
import { saveOwn } from '../values.ts';
import { LOHA_PARTS, lohaShape } from './files.ts';

const MATHS: CellMaths = {
  apply: (y, x, cell) => tf.add(y, tf.mul(tf.matMul(x, MATHS.update!(cell), false, true), tf.scalar(cell.scale))),
  update: (cell) =>
    tf.mul(
      tf.matMul(valueIn(cell, 'hada_w1_a'), valueIn(cell, 'hada_w1_b')),
      tf.matMul(valueIn(cell, 'hada_w2_a'), valueIn(cell, 'hada_w2_b')),
    ),
};

export const lohaMethod: Method<LohaSettings, CellAdapter> = {
  create: ({ spec }, settings, { seed }) => ({ adapter: createLoha(spec, settings, seed) }),
  adapterFrom: (content) => new CellAdapter(cellsFrom(content), MATHS),
  async save(dir, adapter, settings, base, graft) {
    const { cells } = adapter;
    if (!areWholeLinear(cells)) return saveOwn(dir, adapter, graft);
    const config = fullLycorisConfig('LOHA', lycorisFields(cells, settings, base.origin));
    return writePeftCells(dir, config, cells, graft);
  },
};

/** A new adapter. Throws on targets or ranks that do not fit. */
export function createLoha(spec: ArchitectureSpec, options: Omit<LohaSettings, 'type'>, seed: number): CellAdapter {
  const cells = adaptedModules(spec, options).map(({ module, rank }) => {
    const parts = LOHA_PARTS.map((part) => {
      const shape = lohaShape(part, module, rank);
      const [count, place] = [shape[0] * shape[1], `${part} ${module.layer} ${module.target}`];
      const data =
        part === 'hada_w2_b' ? new Float32Array(count) : kaimingUniform(count, shape[1], Random.stream(seed, place));
      return [part, { shape, data }] as const;
    });
    return trainedCell(module, options.alpha / rank, Object.fromEntries(parts));
  });
  return new CellAdapter(cells, MATHS);
}
