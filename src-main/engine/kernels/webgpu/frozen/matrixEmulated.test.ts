/**
 * What the kernel for subgroup matrices computes, with each matrix operation put into plain WGSL as its definition
 * says: shows that tiles, offsets, strides, scales and edges are right, not that a device agrees.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { bootOrNote } from '../../../../../test-support/checks/engineSkip.ts';
import { expectTensor, toTensor } from '../../../../../test-support/cases/opCase.ts';
import { randomArray, type Array64 } from '../../../../../test-support/reference/array.ts';
import { Random } from '../../../../../src-shared/random.ts';
import { matrixProgram, MATRIX_TILE, SCALES, type MatrixConfig } from './matrix.ts';
import { deviceTraits } from './product.ts';
import { webgpuBackend } from '../../../backends/tfjsInternals.ts';
import { runProgram, type Program } from '../program.ts';

const note = await bootOrNote('webgpu');

/** Sizes that differ, so that none can stand for another. */
const CONFIGS: MatrixConfig[] = [
  { component: 'f32', M: 16, N: 32, K: 8, subgroupSize: 32 },
  { component: 'f16', M: 32, N: 16, K: 16, subgroupSize: 32 },
];

/**
 * Factors become places in their tile, sums places in the tile of results, where they are kept from the beginning;
 * lanes share the entries. (Arrays of each lane's own take Mesa's driver minutes to compile.) A sum that is stored
 * elsewhere spoils it.
 */
function emulated(program: Program, { component, M, N, K, subgroupSize }: MatrixConfig): Program {
  const functions = `
struct Factor { start: u32, down: u32, across: u32 };
var<private> laneOfWave: u32;
fn multiplyAccumulate(left: Factor, right: Factor, place: u32) -> u32 {
  for (var i = laneOfWave; i < ${M * N}u; i += ${subgroupSize}u) {
    var sum = 0.0;
    for (var k = 0u; k < ${K}u; k++) {
      let l = xTile[left.start + (i / ${N}u) * left.down + k * left.across];
      sum += f32(l) * f32(wTile[right.start + k * right.down + (i % ${N}u) * right.across]);
    }
    sums[place + (i / ${N}u) * ${MATRIX_TILE}u + i % ${N}u] += sum;
  }
  return place;
}
fn storeRows(start: u32, place: u32, stride: u32) {
  if (start != place || stride != ${MATRIX_TILE}u) { sums[start] = 1e30; }
}
fn rowMajor(start: u32, stride: u32) -> Factor { return Factor(start, stride, 1u); }
fn columnMajor(start: u32, stride: u32) -> Factor { return Factor(start, 1u, stride); }`;
  const place = (i: string, j: string): string =>
    `(32u * (wave / 2u) + ${Number(i) * M}u) * ${MATRIX_TILE}u + 32u * (wave % 2u) + ${Number(j) * N}u`;
  const body = program.body
    .replaceAll(
      /var acc(\d+)_(\d+) = subgroup_matrix_result<[^>]*>\(\)/g,
      (_, i: string, j: string) => `var acc${i}_${j} = ${place(i, j)}`,
    )
    .replaceAll(/subgroupMatrixLoad<[^>]*>, row_major>\(&[xw]Tile, /g, 'rowMajor(')
    .replaceAll(/subgroupMatrixLoad<[^>]*>, col_major>\(&[xw]Tile, /g, 'columnMajor(')
    .replaceAll('subgroupMatrixMultiplyAccumulate(', 'multiplyAccumulate(')
    .replaceAll('subgroupMatrixStore<row_major>(&sums, ', 'storeRows(');
  return {
    ...program,
    directives: component === 'f16' ? 'enable f16;' : '',
    builtins: [],
    declarations: `${program.declarations}${functions}`,
    body: `let wave = lane / ${subgroupSize}u;\n  laneOfWave = lane % ${subgroupSize}u;\n${body}`,
  };
}

function reference(x: Array64, w: Array64, b: Array64 | null, transposed: boolean): Float64Array {
  const [R, C] = w.shape as [number, number];
  const [N, inner, width] = [x.shape[0]!, transposed ? C : R, transposed ? R : C];
  return Float64Array.from({ length: N * width }, (_, i) => {
    const [n, m] = [Math.floor(i / width), i % width];
    let sum = b ? b.data[m]! : 0;
    for (let k = 0; k < inner; k++) sum += x.data[n * inner + k]! * w.data[transposed ? m * C + k : k * C + m]!;
    return sum;
  });
}

/** As float16 with rows that it could not hold by themselves, as gradients can be, and no bias to cover them. */
async function check(config: MatrixConfig, transposed: boolean): Promise<void> {
  const [N, R, C] = [70, 37, 90];
  const [inner, width] = transposed ? [C, R] : [R, C];
  const half = config.component === 'f16';
  const backend = webgpuBackend();
  const random = new Random(1);
  const [w, b] = [randomArray([R, C], random), half ? null : randomArray([width], random)];
  const size = (row: number): number => (half && row % 2 ? 2 ** -40 : 1);
  const x = randomArray([N, inner], random);
  x.data.forEach((value, i) => (x.data[i] = value * size(Math.floor(i / inner))));
  const tensors = [x, w, ...(b ? [b] : [])].map(toTensor);
  const scales = half ? runProgram(backend, SCALES, [tensors[0]!], { inner }, N, [[N]]) : [];
  const program = emulated(
    matrixProgram(
      `emulated ${config.component} ${transposed}`,
      { format: 'f32', transposed, vectorX: false, vectorW: false, bias: !half },
      config,
    ),
    config,
  );
  const uniforms = { N, inner, width, R, C, quads: Math.ceil(C / 4), blocks: 0, maximaAt: 0, scalesAt: 0 };
  const groups = Math.ceil(N / MATRIX_TILE) * Math.ceil(width / MATRIX_TILE);
  const [info] = runProgram(backend, program, [...tensors, ...scales], uniforms, groups, [[N, width]]);
  for (const { dataId } of scales) backend.disposeData(dataId);
  const rowSizes = tf.tensor2d(
    Array.from({ length: N }, (_, n) => size(n)),
    [N, 1],
  );
  const y = tf.engine().makeTensorFromTensorInfo(info!);
  const want = reference(x, w, b, transposed).map((value, i) => value / size(Math.floor(i / width)));
  // Float16 rounds x and W by 2^-11 each, one against another.
  await expectTensor(tf.div(y, rowSizes), want, half ? 2 ** -11 : 1e-5, 'y');
  tf.dispose([...tensors, rowSizes, y]);
}

describe.skipIf(note !== '')(`subgroup matrices, emulated${note}`, { timeout: 60_000 }, () => {
  const f16 = note === '' && deviceTraits(webgpuBackend().device).f16;
  it.each(CONFIGS.filter(({ component }) => f16 || component === 'f32'))('$component $M x $N x $K', async (config) => {
    await check(config, true);
    // The text differs no further, and float16 takes Mesa's driver long.
    if (config.component === 'f32') await check(config, false);
  });
});
