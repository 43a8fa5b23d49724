/** Partial sums of squares of a vector, one per workgroup: tfjs's own sum of a vector runs on a single one. */
import { sumOfSquaresOp } from '../../ops/sumOfSquares.ts';
import { webgpuKernel } from './kernel.ts';
import { runProgram, type Program } from './program.ts';
import { totalSnippet } from './reduce.ts';

const LANES = 256;
/** Enough to keep a large card busy; few enough for one more sum over them. */
const MOST_GROUPS = 512;

const SQUARES: Program = {
  key: 'GraftSumOfSquares',
  inputs: { x: 'f32' },
  outputs: { sums: 'f32' },
  uniforms: { size: 'u32' },
  lanes: LANES,
  declarations: totalSnippet(LANES),
  body: `
  var sum = 0.0;
  for (var i = group * ${LANES}u + lane; i < u.size; i += u.groups * ${LANES}u) { sum += x[i] * x[i]; }
  let all = total(sum, lane);
  if (lane == 0u) { sums[group] = all; }`,
};

export const sumOfSquaresKernels = [
  webgpuKernel(sumOfSquaresOp, (backend, { x }) => {
    const size = x.shape.reduce((a, b) => a * b, 1);
    const groups = Math.min(MOST_GROUPS, Math.ceil(size / LANES));
    return runProgram(backend, SQUARES, [x], { size }, groups, [[groups]]);
  }),
];
