/** `node scripts/layers.mjs`: fails where a file imports what layers.config.mjs does not allow, or in a circle. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { layers } from '../layers.config.mjs';
import { importsOf } from './lib/imports.mjs';
import { layerProblems } from './lib/layers.mjs';
import { root } from './lib/paths.mjs';

const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.mjs', '*.js', '*.svelte'], {
  cwd: root,
  encoding: 'utf8',
});
const files = listed.split('\n').filter((file) => file !== '' && fs.existsSync(path.join(root, file)));
const imports = new Map(files.map((file) => [file, importsOf(file, fs.readFileSync(path.join(root, file), 'utf8'))]));
const problems = layerProblems(layers, imports);
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(`${problems.length} imports, files or circles against layers.config.mjs.`);
  process.exitCode = 1;
}
