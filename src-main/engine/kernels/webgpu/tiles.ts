/**
 * WGSL building blocks of the attention kernels: a workgroup of 128 lanes holds 16 rows against 32 columns, both rows
 * of D floats a stride apart, and walks over D (`u.D`) in chunks of 32 floats, whose number is part of the text; where
 * D is a multiple of four, buffers are read and written by vectors of four. Lane (r, sub),
 * sub < 8, owns the columns sub + 8·i, i < 4, of row r's weights, and the floats 4·sub … 4·sub + 3 of each chunk of
 * row r's results.
 */

import type { Element } from './program.ts';

export const LANES = 128;
export const ROWS = 16;
const COLUMNS = 32;
const CHUNK = 32;
/** vec4s per row of a tile in workgroup memory; one more than needed, so that rows lie in different banks. */
const STRIDE = CHUNK / 4 + 1;

/** Rows of a buffer: those from `first`, of which `limit` exist, every `stride` floats from float `base` on. */
export interface Rows {
  buffer: string;
  base: string;
  stride: string;
  first: string;
  limit: string;
}

/** What a program's text depends on. */
export interface TileVariant {
  chunks: number;
  /** Whether buffers hold vectors of four. */
  fours: boolean;
}

export const variantOf = (D: number): TileVariant => ({ chunks: Math.ceil(D / CHUNK), fours: D % 4 === 0 });
export const elementOf = ({ fours }: TileVariant): Element => (fours ? 'vec4<f32>' : 'f32');
export const variantName = ({ chunks, fours }: TileVariant): string => `${chunks}${fours ? ' by fours' : ''}`;

/** Workgroup memory, a reader of four floats for each of `buffers`, and exp(x - shift) without underflow. */
export function tileDeclarations(buffers: string[], { fours }: TileVariant): string {
  const float = (name: string, i: number): string => `select(0.0, ${name}[row + d + ${i}u], d + ${i}u < u.D)`;
  const value = (name: string): string =>
    fours
      ? `select(vec4<f32>(0.0), ${name}[(row + d) / 4u], d < u.D)`
      : `vec4<f32>(${[0, 1, 2, 3].map((i) => float(name, i)).join(', ')})`;
  const reader = (name: string): string => `
fn ${name}At(row: u32, d: u32) -> vec4<f32> { return ${value(name)}; }`;
  return `
var<workgroup> rowTile: array<vec4<f32>, ${ROWS * STRIDE}>;
var<workgroup> columnTile: array<vec4<f32>, ${COLUMNS * STRIDE}>;
var<workgroup> weights: array<f32, ${ROWS * (COLUMNS + 1)}>;
var<workgroup> parts: array<f32, ${LANES}>;
fn power(x: f32, shift: f32) -> f32 { return select(exp(x - shift), 0.0, x - shift < -80.0); }
${buffers.map(reader).join('')}`;
}

/** Brings one chunk of rows into a tile; rows beyond the limit are zero. */
function load(tile: string, count: number, { buffer, base, stride, first, limit }: Rows, chunk: string): string {
  return `
  for (var i = lane; i < ${count * (CHUNK / 4)}u; i += ${LANES}u) {
    let row = ${first} + i / ${CHUNK / 4}u;
    var four = vec4<f32>(0.0);
    let d = ${chunk} * ${CHUNK}u + 4u * (i % ${CHUNK / 4}u);
    if (row < ${limit}) { four = ${buffer}At(${base} + row * ${stride}, d); }
    ${tile}[(i / ${CHUNK / 4}u) * ${STRIDE}u + i % ${CHUNK / 4}u] = four;
  }`;
}

/** `let name`: the lane's four entries of rows · columns^T. */
export function product(name: string, rows: Rows, columns: Rows): string {
  const entry = (i: number): string => `dot(x, columnTile[(sub + ${8 * i}u) * ${STRIDE}u + j])`;
  return `
  var ${name} = vec4<f32>(0.0);
  for (var chunk = 0u; chunk * ${CHUNK}u < u.D; chunk++) {
    ${load('rowTile', ROWS, rows, 'chunk')}
    ${load('columnTile', COLUMNS, columns, 'chunk')}
    workgroupBarrier();
    let fours = min(${CHUNK / 4}u, (u.D + 3u) / 4u - chunk * ${CHUNK / 4}u);
    for (var j = 0u; j < fours; j++) {
      let x = rowTile[r * ${STRIDE}u + j];
      ${name} += vec4<f32>(${[0, 1, 2, 3].map(entry).join(', ')});
    }
    workgroupBarrier();
  }`;
}

/** Puts the lane's four weights into workgroup memory, for all lanes of its row. */
export function shareWeights(value: string): string {
  return `
  for (var i = 0u; i < 4u; i++) { weights[r * ${COLUMNS + 1}u + sub + 8u * i] = ${value}[i]; }
  workgroupBarrier();`;
}

export function declareResults(name: string, { chunks }: TileVariant): string {
  return Array.from({ length: chunks }, (_, c) => `var ${name}${c} = vec4<f32>(0.0);`).join(' ');
}

/** results += shared weights · columns. */
export function accumulate(name: string, columns: Rows, { chunks }: TileVariant): string {
  const chunk = (_: unknown, c: number): string => `
  ${load('columnTile', COLUMNS, columns, `${c}u`)}
  workgroupBarrier();
  for (var j = 0u; j < min(${COLUMNS}u, ${columns.limit} - ${columns.first}); j++) {
    ${name}${c} += weights[r * ${COLUMNS + 1}u + j] * columnTile[j * ${STRIDE}u + sub];
  }
  workgroupBarrier();`;
  return Array.from({ length: chunks }, chunk).join('');
}

/** Writes `factor` · results to the row that starts at float `base` of `buffer`. */
export function writeResults(
  buffer: string,
  base: string,
  name: string,
  factor: string,
  { chunks, fours }: TileVariant,
): string {
  const chunk = (_: unknown, c: number): string =>
    fours
      ? `
  if (${c * CHUNK}u + 4u * sub < u.D) {
    ${buffer}[(${base}) / 4u + ${c * (CHUNK / 4)}u + sub] = ${factor} * ${name}${c};
  }`
      : `
  for (var i = 0u; i < 4u; i++) {
    let d = ${c * CHUNK}u + 4u * sub + i;
    if (d < u.D) { ${buffer}[${base} + d] = ${factor} * ${name}${c}[i]; }
  }`;
  return Array.from({ length: chunks }, chunk).join('');
}
