/**
 * Products with a frozen weight by tiles: a workgroup brings `DEPTH` of the sum of its rows of x and of its part of W
 * into workgroup memory, W dequantised on the way, and each lane adds up a square of results. x·W^T multiplies four
 * neighbours of a row of x with four of a row of W; x·W with a column of four quads. Sums are float32.
 */
import type { BaseDtype } from '../../../../../src-shared/baseDtypes.ts';
import { rowReader, weightReader, WEIGHT_UNIFORMS } from './reader.ts';
import type { Program } from '../program.ts';

/** Entries of the sum that are in workgroup memory at a time. */
export const DEPTH = 16;
const QUADS = DEPTH / 4;
/** vec4s per row of a tile whose rows lie along the sum; one more than needed, so that rows lie in different banks. */
const STRIDE = QUADS + 1;

export interface TileSizes {
  /** Lanes across and down; `perLane` results across and down each. */
  lanes: number;
  perLane: number;
  /** Keeps the tile of W as float16. */
  half: boolean;
}

export interface ProductText {
  format: BaseDtype;
  transposed: boolean;
  /** Whether rows of x (or of y and W) are multiples of four floats. */
  vectorX: boolean;
  vectorW: boolean;
  bias: boolean;
}

/** Uniforms of all variants. */
export const PRODUCT_UNIFORMS = { N: 'u32', inner: 'u32', width: 'u32', ...WEIGHT_UNIFORMS } as const;

/** Names a text by its variant and all that is baked into it. */
export function productKey(name: string, { format, transposed, vectorX, vectorW, bias }: ProductText): string {
  return (
    `frozen ${name} ${format} ` +
    `${transposed ? 'xW^T' : 'xW'}${vectorX ? ' x4' : ''}${vectorW ? ' w4' : ''}${bias ? ' bias' : ''}`
  );
}

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export function tilesProgram(key: string, text: ProductText, { lanes, perLane, half }: TileSizes): Program {
  const size = lanes * perLane;
  const reader = weightReader(text.format, text.vectorW);
  const element = half ? 'vec4<f16>' : 'vec4<f32>';
  const wQuads = text.transposed ? size * STRIDE : DEPTH * (size / 4);
  return {
    key,
    inputs: {
      x: text.vectorX ? 'vec4<f32>' : 'f32',
      words: reader.element,
      ...(text.bias ? { b: 'f32' as const } : {}),
    },
    outputs: { y: 'f32' },
    uniforms: PRODUCT_UNIFORMS,
    lanes: lanes * lanes,
    directives: half ? 'enable f16;' : '',
    declarations: `
var<workgroup> xTile: array<vec4<f32>, ${size * STRIDE}>;
var<workgroup> wTile: array<${element}, ${wQuads}>;
${reader.declarations}
${rowReader('x4', 'x', 'u.N', 'u.inner', text.vectorX)}`,
    body: `
  ${reader.prepare}
  let across = (u.width + ${size - 1}u) / ${size}u;
  let n0 = (group / across) * ${size}u;
  let m0 = (group % across) * ${size}u;
  let tx = lane % ${lanes}u;
  let ty = lane / ${lanes}u;
  ${count(perLane)
    .flatMap((i) => count(perLane / 4).map((j) => `var acc${i}_${j} = vec4<f32>(0.0);`))
    .join(' ')}
  for (var k0 = 0u; k0 < u.inner; k0 += ${DEPTH}u) {
    for (var i = lane; i < ${size * QUADS}u; i += ${lanes * lanes}u) {
      xTile[(i / ${QUADS}u) * ${STRIDE}u + i % ${QUADS}u] = x4(n0 + i / ${QUADS}u, k0 / 4u + i % ${QUADS}u);
      ${loadW(text.transposed, size, element)}
    }
    workgroupBarrier();
    for (var q = 0u; q < ${QUADS}u; q++) {
      ${multiply(text.transposed, lanes, perLane)}
    }
    workgroupBarrier();
  }
  ${count(perLane)
    .map((i) => store(text, i, lanes, perLane))
    .join('\n')}`,
  };
}

/** As many quads of W as of x. Neighbouring lanes read neighbouring quads of a row of W. */
function loadW(transposed: boolean, size: number, element: string): string {
  if (transposed)
    return (
      `wTile[(i / ${QUADS}u) * ${STRIDE}u + i % ${QUADS}u] = ${element}(weight4(m0 + i / ${QUADS}u, k0 / 4u + i ` +
      `% ${QUADS}u));`
    );
  return `wTile[i] = ${element}(weight4(k0 + i / ${size / 4}u, m0 / 4u + i % ${size / 4}u));`;
}

/**
 * Four steps of the sum. Lane (tx, ty) has the rows ty + lanes·i; the columns tx + lanes·j, or four from 4·(tx +
 * lanes·j).
 */
function multiply(transposed: boolean, lanes: number, perLane: number): string {
  const size = lanes * perLane;
  const rows = count(perLane).map((i) => `let a${i} = xTile[(ty + ${lanes * i}u) * ${STRIDE}u + q];`);
  const groups = count(perLane / 4);
  if (transposed) {
    const columns = count(perLane).map((j) => `let b${j} = vec4<f32>(wTile[(tx + ${lanes * j}u) * ${STRIDE}u + q]);`);
    const sums = count(perLane).flatMap((i) =>
      groups.map(
        (j) => `acc${i}_${j} += vec4<f32>(${[0, 1, 2, 3].map((c) => `dot(a${i}, b${4 * j + c})`).join(', ')});`,
      ),
    );
    return [...rows, ...columns, ...sums].join('\n      ');
  }
  const quads = groups.flatMap((j) =>
    [0, 1, 2, 3].map((c) => `let b${j}_${c} = vec4<f32>(wTile[(4u * q + ${c}u) * ${size / 4}u + tx + ${lanes * j}u]);`),
  );
  const sums = count(perLane).flatMap((i) =>
    groups.map(
      (j) => `acc${i}_${j} += ${['x', 'y', 'z', 'w'].map((c, at) => `a${i}.${c} * b${j}_${at}`).join(' + ')};`,
    ),
  );
  return [...rows, ...quads, ...sums].join('\n      ');
}

function store({ transposed, bias }: ProductText, i: number, lanes: number, perLane: number): string {
  const column = (j: number, c: number): string =>
    transposed ? `m0 + tx + ${lanes * (4 * j + c)}u` : `m0 + 4u * (tx + ${lanes * j}u) + ${c}u`;
  const one = (j: number, c: number): string =>
    `{ let m = ${column(j, c)}; if (m < u.width) { y[row + m] = acc${i}_${j}.${'xyzw'[c]}${bias ? ' + b[m]' : ''}; } }`;
  return `
  if (n0 + ty + ${lanes * i}u < u.N) {
    let row = (n0 + ty + ${lanes * i}u) * u.width;
    ${count(perLane / 4)
      .flatMap((j) => [0, 1, 2, 3].map((c) => one(j, c)))
      .join('\n    ')}
  }`;
}
