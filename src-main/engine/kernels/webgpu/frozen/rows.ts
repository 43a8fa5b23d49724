/**
 * Products of a few rows of x with a frozen weight, as decoding has them: W is read once, from memory into registers.
 * x·W^T: one workgroup per row of W, whose lanes share the sum. x·W: 16 quads of columns per workgroup, 16 lanes down
 * each.
 */
import { rowReader, weightReader } from './reader.ts';
import { PRODUCT_UNIFORMS, type ProductText } from './tiles.ts';
import type { Program } from '../program.ts';
import { totalSnippet } from '../reduce.ts';

const LANES = 64;
/** x·W: quads of columns and slices of the sum per workgroup. */
const QUADS = 16;
const SLICES = 16;

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** `rows`: how many the text is made for, at least N. `subgroups`: sums across lanes by them, in x·W^T. */
export function rowsProgram(key: string, text: ProductText, rows: number, subgroups: boolean): Program {
  const reader = weightReader(text.format, text.vectorW);
  const vectorX = text.vectorX && text.transposed; // x·W takes single floats of x
  const shared = {
    key,
    inputs: {
      x: vectorX ? 'vec4<f32>' : 'f32',
      words: reader.element,
      ...(text.bias ? { b: 'f32' } : {}),
    } as Program['inputs'],
    outputs: { y: 'f32' } as const,
    uniforms: PRODUCT_UNIFORMS,
  };
  if (!text.transposed)
    return {
      ...shared,
      lanes: QUADS * SLICES,
      declarations: `var<workgroup> parts: array<vec4<f32>, ${QUADS * SLICES}>;\n${reader.declarations}`,
      body: downColumns(reader.prepare, rows, text.bias),
    };
  return {
    ...shared,
    lanes: LANES,
    // Every subgroup has its number, so that the order of the sum is always the same.
    ...(subgroups
      ? {
          directives: 'enable subgroups;\nrequires subgroup_id;',
          builtins: ['@builtin(subgroup_id) wave: u32', '@builtin(num_subgroups) waves: u32'],
        }
      : {}),
    declarations: [
      subgroups ? `var<workgroup> waveSums: array<f32, ${LANES * rows}>;` : totalSnippet(LANES),
      reader.declarations,
      rowReader('x4', 'x', 'u.N', 'u.inner', vectorX),
    ].join('\n'),
    body: alongRow(reader.prepare, rows, text.bias, subgroups),
  };
}

export function rowsGroups(transposed: boolean, width: number): number {
  return transposed ? width : Math.ceil(width / 4 / QUADS);
}

function alongRow(prepare: string, rows: number, bias: boolean, subgroups: boolean): string {
  const result = (n: number, sum: string): string =>
    `if (lane == 0u && ${n}u < u.N) { y[${n}u * u.width + group] = ${sum}${bias ? ' + b[group]' : ''}; }`;
  const bySubgroups = `
  ${count(rows)
    .map((n) => `let wave${n} = subgroupAdd(acc${n});`)
    .join(' ')}
  if (subgroupElect()) { ${count(rows)
    .map((n) => `waveSums[wave * ${rows}u + ${n}u] = wave${n};`)
    .join(' ')} }
  workgroupBarrier();
  ${count(rows)
    .map((n) => `var sum${n} = 0.0;`)
    .join(' ')}
  for (var i = 0u; i < waves; i++) { ${count(rows)
    .map((n) => `sum${n} += waveSums[i * ${rows}u + ${n}u];`)
    .join(' ')} }`;
  const byMemory = count(rows)
    .map((n) => `let sum${n} = total(acc${n}, lane);`)
    .join(' ');
  return `
  ${prepare}
  ${count(rows)
    .map((n) => `var acc${n} = 0.0;`)
    .join(' ')}
  for (var quad = lane; quad < u.quads; quad += ${LANES}u) {
    let w = weight4(group, quad);
    ${count(rows)
      .map((n) => `acc${n} += dot(w, x4(${n}u, quad));`)
      .join(' ')}
  }
  ${subgroups ? bySubgroups : byMemory}
  ${count(rows)
    .map((n) => result(n, `sum${n}`))
    .join('\n  ')}`;
}

function downColumns(prepare: string, rows: number, bias: boolean): string {
  const reduce = (n: number): string => `
  parts[lane] = acc${n};
  workgroupBarrier();
  for (var half = ${SLICES / 2}u; half > 0u; half >>= 1u) {
    if (slice < half) { parts[lane] += parts[lane + half * ${QUADS}u]; }
    workgroupBarrier();
  }
  if (slice == 0u && ${n}u < u.N) {
    for (var i = 0u; i < 4u; i++) {
      let m = 4u * quad + i;
      if (m < u.width) { y[${n}u * u.width + m] = parts[lane][i]${bias ? ' + b[m]' : ''}; }
    }
  }
  workgroupBarrier();`;
  return `
  ${prepare}
  let quad = group * ${QUADS}u + lane % ${QUADS}u;
  let slice = lane / ${QUADS}u;
  ${count(rows)
    .map((n) => `var acc${n} = vec4<f32>(0.0);`)
    .join(' ')}
  for (var r = slice; r < u.R; r += ${SLICES}u) {
    let w = weight4(r, quad);
    ${count(rows)
      .map((n) => `acc${n} += select(0.0, x[${n}u * u.inner + r], ${n}u < u.N) * w;`)
      .join(' ')}
  }
  ${count(rows).map(reduce).join('')}`;
}
