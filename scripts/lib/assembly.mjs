/** Compiles the engine's AssemblyScript (src-main/engine/packed/assembly) to WebAssembly. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { modules, root } from './paths.mjs';
import { node24Path } from './node24.mjs';
import { run } from './run.mjs';

const SOURCES = path.join(root, 'src-main/engine/packed/assembly/index.ts');
/** Where the compiled kernels lie, as text that bundlers, packages and tests need nothing special for. */
export const MODULE = path.join(root, 'src-main/engine/packed/module.ts');
const LINE = 116;

/** The text of `MODULE` that the sources give now. Throws with the compiler's words where they do not compile. */
export async function compiledModule() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-assembly-'));
  try {
    const file = path.join(folder, 'kernels.wasm');
    const { code, output } = await run(
      node24Path(),
      [
        path.join(modules, 'assemblyscript/bin/asc.js'),
        path.relative(root, SOURCES),
        ...['--outFile', file, '-O3', '--noAssert', '--runtime', 'stub', '--importMemory', '--noExportMemory'],
        ...['--enable', 'simd'],
      ],
      { output: 'capture' },
    );
    if (code !== 0) throw new Error(output);
    return moduleText(fs.readFileSync(file));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {Buffer} wasm */
function moduleText(wasm) {
  const lines = wasm.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return [
    '/** The WebAssembly of ./assembly in base64. Made by `node scripts/assembly.mjs`; do not edit. */',
    'export const MODULE = `',
    ...lines,
    '`;',
    '',
  ].join('\n');
}
