/** The stages of `npm test`. Each shows its output as it runs and returns its counts. */
import fs from 'node:fs';
import path from 'node:path';
import { countPlaywright, countVitest, withExitCode } from './counts.mjs';
import { node24Path, toolPath } from './node24.mjs';
import { scratch } from './paths.mjs';
import { run } from './run.mjs';
import { canShowWindow } from './electron.mjs';
import { setUp } from './setup.mjs';
import { ensureBrowser, ensureVulkan } from './testNeeds.mjs';

/** @typedef {import('./counts.mjs').Counts} Counts */

/** @type {Record<string, () => Promise<Counts>>} */
export const stages = {
  types: async () => {
    const tsc = await tool('tsc', ['--noEmit']);
    const svelte = await tool('svelte-check', [
      '--tsconfig',
      'tsconfig.renderer.json',
      '--fail-on-warnings',
      '--output',
      'human',
    ]);
    return asOne(tsc === 0 && svelte === 0);
  },
  lint: async () => {
    const eslint = await tool('eslint', ['.']);
    const prettier = await tool('prettier', ['--check', '--log-level', 'warn', '.']);
    return asOne(eslint === 0 && prettier === 0);
  },
  unit: async () => {
    await ensureVulkan();
    const report = freshReport('vitest.json');
    const code = await tool('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
    return withExitCode(countVitest(read(report)), code);
  },
  e2e: async () => {
    await setUp({ electron: canShowWindow(), build: true });
    if (!(await ensureBrowser())) return { passed: 0, failed: 0, skipped: 1 };
    const report = freshReport('playwright.json');
    const code = await tool('playwright', ['test'], { PLAYWRIGHT_JSON_OUTPUT_FILE: report });
    return withExitCode(countPlaywright(read(report)), code);
  },
};

/** @param {boolean} passed @returns {Counts} */
function asOne(passed) {
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

/**
 * @param {string} name
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
async function tool(name, args, env) {
  return (await run(node24Path(), [toolPath(name), ...args], { output: 'inherit', env })).code;
}

/** A report's path, with an older report removed. @param {string} name */
function freshReport(name) {
  const file = path.join(scratch, name);
  fs.mkdirSync(scratch, { recursive: true });
  fs.rmSync(file, { force: true });
  return file;
}

/** A runner that crashed leaves no report; its exit code then counts. @param {string} file */
function read(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
}
