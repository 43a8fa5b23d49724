/**
 * In the bundle for GPU machines: every kernel of the webgpu engine against float64, by the suites that the tests run
 * (`vitest` is miniTest.ts there). Writes correct.json into `--out DIR`: tests, failures, largest errors.
 * `--tiny`: every twentieth test.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { useBackend } from '../../src-main/worker/backend.ts';
import type { ErrorLine } from '../../test-support/checks/errorRecord.ts';
import { runTests } from './miniTest.ts';

const TINY_EVERY = 20;

const { values } = parseArgs({
  options: { out: { type: 'string', default: '.' }, tiny: { type: 'boolean', default: false } },
});
const errors = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'graft-correct-')), 'errors.jsonl');
process.env['GRAFT_ERRORS'] = errors;

const { device } = await useBackend('webgpu'); // throws where there is no card; the suites would only skip
await import('../../src-main/engine/ops/ops.webgpu.test.ts');
await import('../../src-main/engine/kernels/webgpu/kernels.test.ts');
await import('../../src-main/engine/kernels/webgpu/frozen/matmul.test.ts');

const { tests, failures } = await runTests(values.tiny ? TINY_EVERY : 1);
const lines = fs.existsSync(errors) ? fs.readFileSync(errors, 'utf8').trim().split('\n') : [];
fs.rmSync(path.dirname(errors), { recursive: true });
const worst = lines
  .map((line) => JSON.parse(line) as ErrorLine)
  .sort((a, b) => b.error - a.error)
  .slice(0, 10);
fs.mkdirSync(values.out, { recursive: true });
const result = { name: 'correct', device, tests, failures, worst };
fs.writeFileSync(path.join(values.out, 'correct.json'), `${JSON.stringify(result, null, 2)}\n`);
process.stderr.write(`${device}: ${tests} tests of kernels against float64, ${failures.length} failed\n`);
for (const { test, message } of failures) process.stderr.write(`  ${test}: ${message}\n`);
process.exit(failures.length ? 1 : 0); // native engines keep threads
