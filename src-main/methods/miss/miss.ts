/**
 * MiSS (Kang & Yin 2024; PEFT 0.20): y = xW + s(x)·M with M (r, out), s(x) the sum of the inputs whose index is the
 * same modulo r, x padded with zeros to a multiple of r. The variant bat adds W·M[a] + M[a] to every r x r block of W
 * in block row a. M starts at zero, so that the model starts out equal to the base.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { MissSettings } from '../../../src-shared/methods/miss.ts';
import { peftPlaces, PEFT_VERSION, sortedConfig } from '../../adapters/peft.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import type { LinearInUse } from '../../engine/model/attachment.ts';
import { untaped } from '../../engine/ops/untaped.ts';
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
import { frozenMatrix } from '../frozenMatrix.ts';
import type { Method } from '../method.ts';
import { adaptedModules } from '../targets.ts';
import { saveOwn } from '../values.ts';
import { BLOCK, missShape } from './files.ts';

const MISS: CellMaths = {
  apply: (y, x, cell) => tf.add(y, tf.matMul(residueSums(x, valueIn(cell, BLOCK).shape[0]), valueIn(cell, BLOCK))),
  /** M^T, (out, r), side by side over the inputs. */
  update(cell) {
    const M = valueIn(cell, BLOCK);
    const { inFeatures, outFeatures } = cell.module;
    const times = Math.ceil(inFeatures / M.shape[0]);
    return tf.slice(tf.tile(tf.transpose(M), [1, times]), [0, 0], [outFeatures, inFeatures]);
  },
};

const BAT: CellMaths = {
  apply: (y, x, cell, at) => tf.add(y, tf.matMul(x, batUpdate(cell, at), false, true)),
};

/** x: (N, in). Returns (N, r): in column j the sum of x[:, i] over i mod r = j. */
function residueSums(x: tf.Tensor2D, r: number): tf.Tensor2D {
  const [N, inputs] = x.shape;
  const blocks = Math.ceil(inputs / r);
  const padded =
    blocks * r === inputs
      ? x
      : tf.pad(x, [
          [0, 0],
          [0, blocks * r - inputs],
        ]);
  return tf.sum(tf.reshape(padded, [N, blocks, r]), 1);
}

/** W·M[a] + M[a] of every block, (out, in). */
function batUpdate(cell: TrainedCell, at: LinearInUse): tf.Tensor2D {
  const M = cell.parts[BLOCK]!.value as tf.Tensor3D; // (A, r, r)
  const [A, r] = M.shape;
  const { outFeatures, inFeatures } = cell.module;
  const B = inFeatures / r;
  const W = untaped(() =>
    tf.reshape(tf.transpose(tf.reshape(frozenMatrix(at), [A, r, B, r]), [0, 2, 1, 3]), [A, B * r, r]),
  ) as tf.Tensor3D;
  const moved = tf.add(tf.reshape(tf.matMul(W, M), [A, B, r, r]), tf.reshape(M, [A, 1, r, r]));
  return tf.reshape(tf.transpose(moved, [0, 2, 1, 3]), [outFeatures, inFeatures]);
}

function mathsOf(variant: MissSettings['variant']): CellMaths {
  return variant === 'bat' ? BAT : MISS;
}

export const missMethod: Method<MissSettings, CellAdapter> = {
  create: ({ spec }, settings) => ({ adapter: createMiss(spec, settings) }),
  adapterFrom: (content) => new CellAdapter(cellsFrom(content), mathsOf(content.settings.variant)),
  async save(dir, adapter, settings, base, graft) {
    const { cells } = adapter;
    if (!areWholeLinear(cells)) return saveOwn(dir, adapter, graft);
    const modules = cells.map(({ module }) => module);
    const config = sortedConfig({
      auto_mapping: null,
      base_model_name_or_path: base.origin,
      bias: 'none',
      exclude_modules: null,
      inference_mode: true,
      init_weights: settings.variant === 'bat' ? 'bat' : true,
      layers_pattern: null,
      ...peftPlaces(modules, settings),
      mini_r: 1,
      miss_dropout: 0,
      modules_to_save: null,
      peft_type: 'MISS',
      peft_version: PEFT_VERSION,
      r: settings.rank,
      revision: null,
      task_type: 'CAUSAL_LM',
    });
    return writePeftCells(dir, config, cells, graft);
  },
};

/** A new adapter. Throws on targets or ranks that do not fit. */
export function createMiss(spec: ArchitectureSpec, options: Omit<MissSettings, 'type'>): CellAdapter {
  const cells = adaptedModules(spec, options).map(({ module, rank }) => {
    const shape = missShape(module, rank, options.variant);
    return trainedCell(module, 1, { [BLOCK]: { shape, data: new Float32Array(rank * module.outFeatures) } });
  });
  return new CellAdapter(cells, mathsOf(options.variant));
}
