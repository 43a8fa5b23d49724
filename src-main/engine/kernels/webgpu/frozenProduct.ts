/** A product with a frozen weight, the traits of the device that matter to it, and the run of one variant of it. */
import type * as tf from '@tensorflow/tfjs-core';
import { packedLayout, type BaseDtype } from '../../frozen/formats.ts';
import { matrixConfig, matrixProgram, MATRIX_TILE, SCALES, type AdapterMatrixInfo } from './frozenMatrix.ts';
import { rowsGroups, rowsProgram } from './frozenRows.ts';
import { tilesProgram, type ProductText } from './frozenTiles.ts';
import { MOST_ROWS, TILE_VARIANTS, type DeviceTraits, type ProductClass, type Variant } from './frozenVariants.ts';
import { runProgram, type WebgpuBackend } from './program.ts';

export interface FrozenProduct {
  format: BaseDtype;
  R: number;
  C: number;
  /** (N, C) where `transposed`, else (N, R). */
  x: tf.TensorInfo;
  /** f32: (R, C); else the words of engine/frozen/packMatrix.ts. */
  w: tf.TensorInfo;
  /** Added to each row of the result. */
  b: tf.TensorInfo | null;
  /** x·W^T rather than x·W. */
  transposed: boolean;
}

export function classOf({ format, R, C, x, transposed }: FrozenProduct): ProductClass {
  return { format, transposed, N: x.shape[0]!, R, C };
}

const known = new WeakMap<object, DeviceTraits>();

export function deviceTraits(device: WebgpuBackend['device'] & { adapterInfo?: AdapterMatrixInfo }): DeviceTraits {
  let traits = known.get(device);
  if (!traits) {
    const matrices = device.features.has('chromium-experimental-subgroup-matrix') && device.features.has('subgroups');
    const matrix = matrices ? matrixConfig(device.adapterInfo ?? {}) : null;
    const f16 = device.features.has('shader-f16');
    traits = { f16, subgroups: device.features.has('subgroups'), workgroupBytes: device.limits.maxComputeWorkgroupStorageSize, matrix: matrix?.component === 'f16' && !f16 ? null : matrix };
    known.set(device, traits);
  }
  return traits;
}

/** Returns (N, R) where `transposed`, else (N, C). */
export function runVariant(backend: WebgpuBackend, product: FrozenProduct, variant: Variant): tf.TensorInfo {
  const { format, R, C, x, w, b, transposed } = product;
  const N = x.shape[0]!;
  const [inner, width] = transposed ? [C, R] : [R, C];
  const text: ProductText = { format, transposed, vectorX: inner % 4 === 0, vectorW: C % 4 === 0, bias: b !== null };
  const layout = format === 'f32' ? { quads: Math.ceil(C / 4), blocks: 0, maximaAt: 0, scalesAt: 0 } : packedLayout(format, R, C);
  const { quads, blocks, maximaAt, scalesAt } = layout;
  const uniforms = { N, inner, width, R, C, quads, blocks, maximaAt, scalesAt };
  const inputs = [x, w, ...(b ? [b] : [])];
  const groupsOf = (size: number): number => Math.ceil(N / size) * Math.ceil(width / size);
  if (variant === 'rows' || variant === 'rows-subgroups') {
    const rows = N > 2 ? MOST_ROWS : N;
    return runProgram(backend, rowsProgram(text, rows, variant === 'rows-subgroups'), inputs, uniforms, rowsGroups(transposed, width), [[N, width]])[0]!;
  }
  if (variant === 'matrix') {
    const config = deviceTraits(backend.device).matrix!;
    const scales = config.component === 'f16' ? runProgram(backend, SCALES, [x], { inner }, N, [[N]]) : [];
    const [y] = runProgram(backend, matrixProgram(text, config), [...inputs, ...scales], uniforms, groupsOf(MATRIX_TILE), [[N, width]]);
    for (const { dataId } of scales) backend.disposeData(dataId);
    return y!;
  }
  const sizes = TILE_VARIANTS[variant];
  return runProgram(backend, tilesProgram(variant, text, sizes), inputs, uniforms, groupsOf(sizes.lanes * sizes.perLane), [[N, width]])[0]!;
}
