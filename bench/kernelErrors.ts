/**
 * `npm run bench -- kernel-errors [--docs]`: runs the tests of the webgpu kernels and says how far each op was from its
 * float64 reference at worst, forward and gradient; `--docs` puts the table into docs/engines.md.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withTable } from './lib/report.ts';
import { writeFileAtomic } from '../src-main/files/writeWhole.ts';
import type { ErrorLine } from '../test-support/checks/errorRecord.ts';

const root = path.join(import.meta.dirname, '..');
const TESTS = [
  'src-main/engine/ops/ops.webgpu.test.ts',
  'src-main/engine/kernels/webgpu/kernels.test.ts',
  'src-main/engine/kernels/webgpu/frozen/matmul.test.ts',
];
const DOCS = path.join(root, 'docs/engines.md');

function runTests(file: string): ErrorLine[] {
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...TESTS], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, GRAFT_ERRORS: file },
  });
  if (status !== 0) throw new Error('The tests of the webgpu kernels failed; see above.');
  return fs
    .readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ErrorLine);
}

/** The op in a test's name: what stands before its sizes. */
function opOf({ test }: ErrorLine): string {
  const name = test.split(' > ').at(-1)!;
  const [op] = name.split(/ \(| \[| [BN] \d| of \d| with window| of values| of more|, | in chunks/) as [string];
  return test.startsWith('products with frozen weights') ? `frozen product, ${op}` : op;
}

function tableOf(lines: ErrorLine[]): string {
  const worst = (some: ErrorLine[]): string =>
    some.length ? Math.max(...some.map(({ error }) => error)).toExponential(1) : '';
  const rows = [...Map.groupBy(lines, opOf)].map(([op, all]) => {
    const forward = all.filter(({ what }) => !/^(gradient|d[a-z])/.test(what));
    const backward = all.filter((line) => !forward.includes(line));
    return `| ${op} | ${new Set(all.map(({ test }) => test)).size} | ${worst(forward)} | ${worst(backward)} |`;
  });
  return ['| op, by its tests | tests | forward | gradient |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-errors-'));
try {
  const lines = runTests(path.join(folder, 'errors.jsonl'));
  const table = tableOf(lines.filter(({ test }) => !/\bwasm\b|\btensorflow\b/.test(test)));
  process.stdout.write(`${table}\n`);
  if (process.argv.includes('--docs'))
    writeFileAtomic(DOCS, withTable(fs.readFileSync(DOCS, 'utf8'), 'kernel-errors', table));
} finally {
  fs.rmSync(folder, { recursive: true });
}
