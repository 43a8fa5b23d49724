/** Rows out of a table, dequantised on their way, and rows added into one: an embedding's look-up and its gradient. */
import { BASE_DTYPES } from '../../../../src-shared/baseDtypes.ts';
import { gatherRowsOp } from '../../ops/embedding.ts';
import { scatterAddRowsOp } from '../../ops/scatterAddRows.ts';
import { packedLayout } from '../../packed/formats.ts';
import { WEIGHT_UNIFORMS, weightReader } from './frozen/reader.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
import { highestSnippet } from './reduce.ts';

const LANES = 64;

/** One workgroup per id; zeros where its row is not one of the table's. */
function gatherProgram(format: (typeof BASE_DTYPES)[number], vectors: boolean): Program {
  const reader = weightReader(format, vectors);
  return {
    key: `GraftGatherRows ${format} ${vectors}`,
    inputs: { words: reader.element, ids: 'i32' },
    outputs: { y: 'f32' },
    uniforms: { ...WEIGHT_UNIFORMS, startRow: 'u32' },
    lanes: LANES,
    declarations: reader.declarations,
    body: `
  ${reader.prepare}
  let row = u32(ids[group]) - u.startRow; // wraps to more than any row where it lies before
  for (var quad = lane; quad < u.quads; quad += ${LANES}u) {
    let four = weight4(row, quad);
    for (var i = 0u; i < 4u; i++) {
      if (4u * quad + i < u.C) { y[group * u.C + 4u * quad + i] = four[i]; }
    }
  }`,
  };
}

/** One workgroup per row of the sums. Most rows have no id; the others add in the order of the ids. */
const SCATTER: Program = {
  key: 'GraftScatterAddRows',
  inputs: { x: 'f32', ids: 'i32' },
  outputs: { sums: 'f32' },
  uniforms: { N: 'u32', C: 'u32', startRow: 'u32' },
  lanes: LANES,
  declarations: highestSnippet(LANES),
  body: `
  let row = i32(u.startRow + group);
  var found = 0.0;
  for (var n = lane; n < u.N; n += ${LANES}u) { if (ids[n] == row) { found = 1.0; } }
  let any = highest(found, lane) > 0.0;
  for (var c = lane; c < u.C; c += ${LANES}u) {
    var sum = 0.0;
    if (any) {
      for (var n = 0u; n < u.N; n++) { if (ids[n] == row) { sum += x[n * u.C + c]; } }
    }
    sums[group * u.C + c] = sum;
  }`,
};

export const tableRowKernels = [
  webgpuKernel(gatherRowsOp, (backend, { table, ids }, { format, R, C, startRow }) => {
    const dtype = BASE_DTYPES[format] ?? 'f32';
    const { quads, blocks, maximaAt, scalesAt } =
      dtype === 'f32' ? { quads: Math.ceil(C / 4), blocks: 0, maximaAt: 0, scalesAt: 0 } : packedLayout(dtype, R, C);
    const [N = 0] = ids.shape;
    const uniforms = { R, C, quads, blocks, maximaAt, scalesAt, startRow };
    return runProgram(backend, gatherProgram(dtype, C % 4 === 0), [table, ids], uniforms, N, [[N, C]]);
  }),
  webgpuKernel(scatterAddRowsOp, (backend, { x, ids }, { startRow, rows }) => {
    const [N, C] = x.shape as [number, number];
    return runProgram(backend, SCATTER, [x, ids], { N, C, startRow }, rows, [[rows, C]]);
  }),
];
