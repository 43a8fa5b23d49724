/** A product with a frozen weight, the traits of the device that matter to it, and the run of one variant of it. */
import type * as tf from '@tensorflow/tfjs-core';
import { packedLayout } from '../../../packed/formats.ts';
import type { BaseDtype } from '../../../../../src-shared/baseDtypes.ts';
import {
  matrixConfig,
  matrixProgram,
  MATRIX_TILE,
  SCALES,
  type AdapterMatrixInfo,
  type MatrixConfig,
} from './matrix.ts';
import { rowsGroups, rowsProgram } from './rows.ts';
import { productKey, tilesProgram, type ProductText } from './tiles.ts';
import { MOST_ROWS, TILE_VARIANTS, type DeviceTraits, type ProductClass, type Variant } from './variants.ts';
import type { GpuDevice } from '../../../backends/gpuDevice.ts';
import type { WebgpuBackend } from '../../../backends/tfjsInternals.ts';
import { runProgram, type Program } from '../program.ts';

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
  return { format, transposed, N: rowsOf(x), R, C };
}

function rowsOf({ shape }: tf.TensorInfo): number {
  const [rows] = shape as [number, number];
  return rows;
}

const known = new WeakMap<object, DeviceTraits>();

export function deviceTraits(device: GpuDevice & { adapterInfo?: AdapterMatrixInfo }): DeviceTraits {
  let traits = known.get(device);
  if (!traits) {
    const matrices = device.features.has('chromium-experimental-subgroup-matrix') && device.features.has('subgroups');
    const matrix = matrices ? matrixConfig(device.adapterInfo ?? {}) : null;
    const f16 = device.features.has('shader-f16');
    traits = {
      f16,
      subgroups: device.features.has('subgroups'),
      workgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
      matrix: matrix?.component === 'f16' && !f16 ? null : matrix,
    };
    known.set(device, traits);
  }
  return traits;
}

function matrixOf({ device }: WebgpuBackend): MatrixConfig {
  const { matrix } = deviceTraits(device);
  if (!matrix) throw new Error('this device has no cooperative matrices');
  return matrix;
}

/** Returns (N, R) where `transposed`, else (N, C). */
export function runVariant(backend: WebgpuBackend, product: FrozenProduct, variant: Variant): tf.TensorInfo {
  const { format, R, C, x, w, b, transposed } = product;
  const N = rowsOf(x);
  const [inner, width] = transposed ? [C, R] : [R, C];
  const text: ProductText = { format, transposed, vectorX: inner % 4 === 0, vectorW: C % 4 === 0, bias: b !== null };
  const { quads, blocks, maximaAt, scalesAt } =
    format === 'f32' ? { quads: Math.ceil(C / 4), blocks: 0, maximaAt: 0, scalesAt: 0 } : packedLayout(format, R, C);
  const run = (program: Program, groups: number, more: tf.TensorInfo[] = []): tf.TensorInfo =>
    runProgram(
      backend,
      program,
      [x, w, ...(b ? [b] : []), ...more],
      { N, inner, width, R, C, quads, blocks, maximaAt, scalesAt },
      groups,
      [[N, width]],
    )[0];
  const tiles = (size: number): number => Math.ceil(N / size) * Math.ceil(width / size);
  const rows = N > 2 ? MOST_ROWS : N;
  const program = programOf(backend, variant, rows, text);
  if (variant === 'rows' || variant === 'rows-subgroups') return run(program, rowsGroups(transposed, width));
  if (variant !== 'matrix') return run(program, tiles(TILE_VARIANTS[variant].lanes * TILE_VARIANTS[variant].perLane));
  const scales = matrixOf(backend).component === 'f16' ? runProgram(backend, SCALES, [x], { inner }, N, [[N]]) : [];
  const y = run(program, tiles(MATRIX_TILE), scales);
  for (const { dataId } of scales) backend.disposeData(dataId);
  return y;
}

const programs = new WeakMap<object, Map<string, Program>>();

/** Made once per device: the text of a large tile takes longer to put together than to queue. */
function programOf(backend: WebgpuBackend, variant: Variant, rows: number, text: ProductText): Program {
  let made = programs.get(backend.device);
  if (!made) programs.set(backend.device, (made = new Map()));
  const byRows = variant === 'rows' || variant === 'rows-subgroups';
  const key = productKey(byRows ? `${variant} ${rows}` : variant, text);
  let program = made.get(key);
  if (!program) {
    if (byRows) program = rowsProgram(key, text, rows, variant === 'rows-subgroups');
    else if (variant === 'matrix') program = matrixProgram(key, text, matrixOf(backend));
    else program = tilesProgram(key, text, TILE_VARIANTS[variant]);
    made.set(key, program);
  }
  return program;
}
