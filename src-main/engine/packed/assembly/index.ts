/**
 * What ../kernels.ts calls: packed forms of a matrix (../formats.ts) and float32, in AssemblyScript with 128-bit SIMD.
 * All addresses are of the imported memory. `node scripts/assembly.mjs` compiles it into ../module.ts.
 */
export { packRows } from './pack';
export { addRows, dotRows } from './products';
export { transposeRows } from './transpose';
export { unpackRows } from './unpack';
