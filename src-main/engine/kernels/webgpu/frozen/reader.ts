/**
 * WGSL readers of the two factors of a product with a frozen weight W (R, C): `weight4(r, quad)` gives four neighbours
 * of a row of W, dequantised, from the parts that engine/frozen/formats.ts lays out; `x4(n, quad)` four of a row of x.
 * Both are zero beyond the row's end.
 */
import { NF4_BLOCK, NF4_GROUP } from '../../../packed/formats.ts';
import type { BaseDtype } from '../../../../../src-shared/baseDtypes.ts';
import { NF4_LEVELS } from '../../../packed/nf4.ts';
import type { Element } from '../program.ts';

export interface WeightReader {
  /** What the buffer `words` is an array of. */
  element: Element;
  declarations: string;
  /** Must run before the first use, in uniform control flow. */
  prepare: string;
}

/** Sizes of W that its readers use. */
export const WEIGHT_UNIFORMS = {
  R: 'u32',
  C: 'u32',
  quads: 'u32',
  blocks: 'u32',
  maximaAt: 'u32',
  scalesAt: 'u32',
} as const;

const PAIRS = (low: string, high: string): string => `
fn weight4(r: u32, quad: u32) -> vec4<f32> {
  if (r >= u.R || quad >= u.quads) { return vec4<f32>(0.0); }
  let w = words[r * u.quads + quad];
  return vec4<f32>(${low}, ${high});
}`;

/** `vectors`: C is a multiple of four, so that a float32 row starts at a vec4. */
export function weightReader(format: BaseDtype, vectors: boolean): WeightReader {
  switch (format) {
    case 'f32':
      return {
        element: vectors ? 'vec4<f32>' : 'f32',
        declarations: rowReader('weight4', 'words', 'u.R', 'u.C', vectors),
        prepare: '',
      };
    case 'f16':
      return { element: 'vec2<u32>', declarations: PAIRS('unpack2x16float(w.x)', 'unpack2x16float(w.y)'), prepare: '' };
    case 'bf16':
      return {
        element: 'vec2<u32>',
        declarations:
          'fn pair(w: u32) -> vec2<f32> { return bitcast<vec2<f32>>(vec2<u32>(w << 16u, w & 0xffff0000u)); ' +
          `}${PAIRS('pair(w.x)', 'pair(w.y)')}`,
        prepare: '',
      };
    case 'int8':
      return { element: 'u32', declarations: INT8, prepare: '' };
    case 'nf4':
      return {
        element: 'u32',
        declarations: NF4,
        prepare: 'if (lane < 16u) { levels[lane] = LEVELS[lane]; }\n  workgroupBarrier();',
      };
    default:
      return format satisfies never;
  }
}

const INT8 = `
fn weight4(r: u32, quad: u32) -> vec4<f32> {
  if (r >= u.R || quad >= u.quads) { return vec4<f32>(0.0); }
  return bitcast<f32>(words[u.scalesAt + r]) * vec4<f32>(unpack4xI8(words[r * u.quads + quad]));
}`;

/** The levels lie in workgroup memory because compilers turn an indexed constant into a copy per lane. */
const NF4 = `
const LEVELS = array<f32, 16>(${NF4_LEVELS.join(', ')});
var<workgroup> levels: array<f32, 16>;
fn weight4(r: u32, quad: u32) -> vec4<f32> {
  if (r >= u.R || quad >= u.quads) { return vec4<f32>(0.0); }
  let i = r * u.quads + quad;
  let codes = words[i / 2u] >> (16u * (i % 2u));
  let block = r * u.blocks + quad / ${NF4_BLOCK / 4}u;
  let byte = extractBits(i32(words[u.maximaAt + block / 4u]), 8u * (block % 4u), 8u);
  let scale = bitcast<f32>(words[u.scalesAt + 1u + block / ${NF4_GROUP}u]);
  let largest = bitcast<f32>(words[u.scalesAt]) + scale * f32(byte);
  let low = vec2<f32>(levels[codes & 15u], levels[(codes >> 4u) & 15u]);
  let high = vec2<f32>(levels[(codes >> 8u) & 15u], levels[(codes >> 12u) & 15u]);
  return largest * vec4<f32>(low, high);
}`;

/** `fn name(row, quad) -> vec4<f32>` of a float32 buffer (rows, width); with `vectors` it is an array of vec4. */
export function rowReader(name: string, buffer: string, rows: string, width: string, vectors: boolean): string {
  const float = (i: number): string => `select(0.0, ${buffer}[first + ${i}u], 4u * quad + ${i}u < ${width})`;
  const four = vectors
    ? `return ${buffer}[row * (${width} / 4u) + quad];`
    : `let first = row * ${width} + 4u * quad;\n  return vec4<f32>(${[0, 1, 2, 3].map(float).join(', ')});`;
  return `
fn ${name}(row: u32, quad: u32) -> vec4<f32> {
  if (row >= ${rows} || 4u * quad >= ${width}) { return vec4<f32>(0.0); }
  ${four}
}`;
}
