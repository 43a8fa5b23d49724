/**
 * Products with a frozen weight on cooperative (subgroup) matrices, which Dawn offers as
 * chromium-experimental-subgroup-matrix: four subgroups, a quarter each of 64 x 64 results. Factors are float16 where
 * the device sums float16 products in float32, else float32. As float16, each row of x is scaled by a power of two to
 * at most 2, so that small gradients do not vanish. No device at hand has the feature: the text is validated
 * (frozenMatrix.test.ts), and was never run.
 */
import { highestSnippet } from '../reduce.ts';
import { rowReader, weightReader } from './reader.ts';
import { PRODUCT_UNIFORMS, type ProductText } from './tiles.ts';
import type { Program } from '../program.ts';

/** Left (M, K) times right (K, N), summed in float32. */
export interface MatrixConfig {
  component: 'f16' | 'f32';
  M: number;
  N: number;
  K: number;
  /** Invocations per subgroup: the same for all. */
  subgroupSize: number;
}

export interface AdapterMatrixInfo {
  subgroupMinSize?: number;
  subgroupMaxSize?: number;
  subgroupMatrixConfigs?: Iterable<{
    componentType: string;
    resultComponentType: string;
    M: number;
    N: number;
    K: number;
  }>;
}

/** Results across and down a workgroup, and a subgroup. */
export const MATRIX_TILE = 64;
const QUARTER = 32;
const SUBGROUPS = 4;
const SCALE_LANES = 128;

/** A form that the kernel can use, float16 factors first; null when there is none. */
export function matrixConfig({
  subgroupMinSize,
  subgroupMaxSize,
  subgroupMatrixConfigs = [],
}: AdapterMatrixInfo): MatrixConfig | null {
  // Were subgroups of several sizes, four of them might not be what the workgroup has.
  if (!subgroupMaxSize || subgroupMinSize !== subgroupMaxSize) return null;
  const usable = [...subgroupMatrixConfigs].filter(
    (c) =>
      c.resultComponentType === 'f32' && QUARTER % c.M === 0 && QUARTER % c.N === 0 && QUARTER % c.K === 0 && c.K >= 4,
  );
  for (const component of ['f16', 'f32'] as const) {
    const found = usable.find((c) => c.componentType === component);
    if (found) return { component, M: found.M, N: found.N, K: found.K, subgroupSize: subgroupMaxSize };
  }
  return null;
}

function depthOf({ K }: MatrixConfig): number {
  return Math.max(16, K);
}

/** Workgroup memory that the program takes. */
export function matrixBytes(config: MatrixConfig): number {
  return 4 * MATRIX_TILE * MATRIX_TILE + 2 * MATRIX_TILE * depthOf(config) * (config.component === 'f16' ? 2 : 4);
}

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export function matrixProgram(key: string, text: ProductText, config: MatrixConfig): Program {
  const { component, M, N, K, subgroupSize } = config;
  const depth = depthOf(config);
  const reader = weightReader(text.format, text.vectorW);
  const lanes = SUBGROUPS * subgroupSize;
  const scaled = component === 'f16';
  return {
    key,
    inputs: {
      x: text.vectorX ? 'vec4<f32>' : 'f32',
      words: reader.element,
      ...(text.bias ? { b: 'f32' } : {}),
      ...(scaled ? { xScales: 'f32' } : {}),
    },
    outputs: { y: 'f32' },
    uniforms: PRODUCT_UNIFORMS,
    lanes,
    directives:
      `enable chromium_experimental_subgroup_matrix;\nenable subgroups;\nrequires ` +
      `subgroup_id;\n${scaled ? 'enable f16;' : ''}`,
    builtins: ['@builtin(subgroup_id) wave: u32'],
    declarations: `
var<workgroup> xTile: array<${component}, ${MATRIX_TILE * depth}>;
var<workgroup> wTile: array<${component}, ${MATRIX_TILE * depth}>;
var<workgroup> sums: array<f32, ${MATRIX_TILE * MATRIX_TILE}>;
${reader.declarations}
${rowReader('x4', 'x', 'u.N', 'u.inner', text.vectorX)}
fn xScale(n: u32) -> f32 { ${scaled ? 'if (n < u.N) { return xScales[n]; }' : ''} return 1.0; }`,
    body: `
  ${reader.prepare}
  let across = (u.width + ${MATRIX_TILE - 1}u) / ${MATRIX_TILE}u;
  let n0 = (group / across) * ${MATRIX_TILE}u;
  let m0 = (group % across) * ${MATRIX_TILE}u;
  let rowStart = ${QUARTER}u * (wave / 2u);
  let columnStart = ${QUARTER}u * (wave % 2u);
  ${count(QUARTER / M)
    .flatMap((i) => count(QUARTER / N).map((j) => `var acc${i}_${j} = subgroup_matrix_result<f32, ${N}, ${M}>();`))
    .join('\n  ')}
  for (var k0 = 0u; k0 < u.inner; k0 += ${depth}u) {
    for (var i = lane; i < ${MATRIX_TILE * (depth / 4)}u; i += ${lanes}u) {
      ${load(text.transposed, depth, component)}
    }
    workgroupBarrier();
    ${count(depth / K)
      .map((step) => multiply(text.transposed, step * K, depth, config))
      .join('\n    ')}
    workgroupBarrier();
  }
  ${count(QUARTER / M)
    .flatMap((i) =>
      count(QUARTER / N).map(
        (j) =>
          `subgroupMatrixStore<row_major>(&sums, (rowStart + ${i * M}u) * ${MATRIX_TILE}u + columnStart + ${j * N}u, ` +
          `acc${i}_${j}, ${MATRIX_TILE}u);`,
      ),
    )
    .join('\n  ')}
  workgroupBarrier();
  for (var i = lane; i < ${MATRIX_TILE * MATRIX_TILE}u; i += ${lanes}u) {
    let n = n0 + i / ${MATRIX_TILE}u;
    let m = m0 + i % ${MATRIX_TILE}u;
    if (n < u.N && m < u.width) { y[n * u.width + m] = sums[i] / xScale(n)${text.bias ? ' + b[m]' : ''}; }
  }`,
  };
}

/** One quad each of x and of W. The tile of W is (m, k) for x·W^T and (k, m) for x·W, as its rows lie. */
function load(transposed: boolean, depth: number, component: string): string {
  const write = (tile: string, at: string, four: string): string =>
    [0, 1, 2, 3].map((c) => `${tile}[${at} + ${c}u] = ${component}(${four}[${c}]);`).join(' ');
  const across = transposed ? depth / 4 : MATRIX_TILE / 4;
  const [row, quad] = [`i / ${across}u`, `i % ${across}u`];
  const w = transposed ? `weight4(m0 + ${row}, k0 / 4u + ${quad})` : `weight4(k0 + ${row}, m0 / 4u + ${quad})`;
  return `
      let n = n0 + i / ${depth / 4}u;
      let xFour = x4(n, k0 / 4u + i % ${depth / 4}u) * xScale(n);
      ${write('xTile', '4u * i', 'xFour')}
      let wFour = ${w};
      ${write('wTile', '4u * i', 'wFour')}`;
}

function multiply(transposed: boolean, k: number, depth: number, { component, M, N, K }: MatrixConfig): string {
  const left = count(QUARTER / M).map(
    (i) =>
      `let a${i} = subgroupMatrixLoad<subgroup_matrix_left<${component}, ${K}, ${M}>, row_major>(&xTile, ` +
      `(rowStart + ${i * M}u) * ${depth}u + ${k}u, ${depth}u);`,
  );
  const right = count(QUARTER / N).map((j) => {
    const column = `(columnStart + ${j * N}u)`;
    const [at, majority, stride] = transposed
      ? [`${column} * ${depth}u + ${k}u`, 'col_major', depth]
      : [`${k * MATRIX_TILE}u + ${column}`, 'row_major', MATRIX_TILE];
    return (
      `let b${j} = subgroupMatrixLoad<subgroup_matrix_right<${component}, ${N}, ${K}>, ${majority}>(&wTile, ` +
      `${at}, ${stride}u);`
    );
  });
  const sums = count(QUARTER / M).flatMap((i) =>
    count(QUARTER / N).map((j) => `acc${i}_${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, acc${i}_${j});`),
  );
  return `{ ${[...left, ...right, ...sums].join('\n      ')} }`;
}

/** Per row of x (N, inner) the power of two that brings its largest magnitude into [1, 2); 1 for a row of zeros. */
export const SCALES: Program = {
  key: 'frozen row scales',
  inputs: { x: 'f32' },
  outputs: { xScales: 'f32' },
  uniforms: { inner: 'u32' },
  lanes: SCALE_LANES,
  declarations: highestSnippet(SCALE_LANES),
  body: `
  var largest = 0.0;
  for (var k = lane; k < u.inner; k += ${SCALE_LANES}u) { largest = max(largest, abs(x[group * u.inner + k])); }
  let exponent = bitcast<u32>(highest(largest, lane)) >> 23u;
  let usable = exponent > 0u && exponent < 254u;
  if (lane == 0u) { xScales[group] = select(1.0, bitcast<f32>((254u - exponent) << 23u), usable); }`,
};
