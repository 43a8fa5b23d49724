/** The stages of `npm test`. Each returns its counts; where its output goes, and what it runs, the plan says. */
import fs from 'node:fs';
import path from 'node:path';
import { built } from './build.mjs';
import { journeysOf, lintable, touchesEverything, unitFilters } from './changed.mjs';
import { countPlaywright, countVitest, withExitCode } from './counts.mjs';
import { canShowWindow } from './electron.mjs';
import { node24Path, toolPath } from './node24.mjs';
import { modules, root, scratch } from './paths.mjs';
import { run } from './run.mjs';
import { setUp } from './setup.mjs';
import { ensureBrowser, ensureMpi, ensureVulkan } from './testNeeds.mjs';

/**
 * @typedef {import('./counts.mjs').Counts} Counts
 * @typedef {object} Plan
 * @property {string[] | null} files only what these touch; null: everything
 * @property {boolean} quiet output is kept until the stage has ended, since another one runs beside it
 * @property {(text: string) => void} print
 */

export const UNIT_REPORT = path.join(scratch, 'vitest.json');
export const JOURNEY_REPORT = path.join(scratch, 'playwright.json');
/** TypeScript 7, a third of the time; ESLint and svelte-check still need the API of 6. */
const NATIVE_TSC = path.join(modules, '@typescript/native/bin/tsc');
const NOTHING = { passed: 0, failed: 0, skipped: 0 };

/** @type {Record<string, (plan: Plan) => Promise<Counts>>} */
export const stages = {
  types: async (plan) => {
    if (plan.files && lintable(plan.files).length === 0 && !touchesEverything(plan.files)) return NOTHING;
    const info = path.join(scratch, 'tsc.tsbuildinfo');
    const tsc = await command(plan, [NATIVE_TSC, '--noEmit', '--incremental', '--tsBuildInfoFile', info]);
    // svelte-check leaves what it made of components that are gone.
    fs.rmSync(path.join(root, '.svelte-check'), { recursive: true, force: true });
    const page = ['--tsgo', '--tsconfig', 'tsconfig.renderer.json', '--fail-on-warnings', '--output', 'human'];
    const svelte = await tool(plan, 'svelte-check', page);
    return asOne(tsc === 0 && svelte === 0);
  },
  lint: async (plan) => {
    const files = plan.files && !touchesEverything(plan.files) ? plan.files : null;
    if (files?.length === 0) return NOTHING;
    const code = files ? lintable(files) : ['.'];
    const eslint = code.length === 0 ? 0 : await tool(plan, 'eslint', [...cache('eslint'), ...ignored, ...code]);
    const format = ['--check', '--log-level', 'warn', '--ignore-unknown', ...cache('prettier')];
    const prettier = await tool(plan, 'prettier', [...format, ...(files ?? ['.'])]);
    const layers = await script(plan, 'scripts/layers.mjs');
    const knip = await tool(plan, 'knip', []);
    return asOne([eslint, prettier, layers, knip].every((result) => result === 0));
  },
  unit: async (plan) => {
    const filters = plan.files && !touchesEverything(plan.files) ? unitFilters(plan.files, namesIn) : null;
    if (filters?.length === 0) return NOTHING;
    const report = fresh(UNIT_REPORT);
    const what = filters ? ['related', '--run', '--passWithNoTests', ...filters] : ['run'];
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const code = await tool(plan, 'vitest', [...what, ...reporters]);
    return withExitCode(countVitest(read(report)), code);
  },
  e2e: async (plan) => {
    const specs = specsOf(plan.files);
    if (specs.length === 0) return NOTHING;
    if (!(await ensureBrowser())) return { passed: 0, failed: 0, skipped: 1 };
    const report = fresh(JOURNEY_REPORT);
    const chosen = specs === 'all' ? [] : specs.map((spec) => `e2e/${spec}\\.spec\\.ts$`);
    const code = await tool(plan, 'playwright', ['test', ...chosen], { PLAYWRIGHT_JSON_OUTPUT_FILE: report });
    return withExitCode(countPlaywright(read(report)), code);
  },
};

/** Files that ESLint is told to ignore are no reason to complain when they have changed. */
const ignored = ['--no-warn-ignored'];

/** @param {string[] | null} files @returns {string[] | 'all'} */
function specsOf(files) {
  return files && !touchesEverything(files) ? journeysOf(files) : 'all';
}

/**
 * What the chosen stages need from outside, fetched before they run beside one another.
 * @param {string[]} names
 * @param {string[] | null} files as in the plan
 */
export async function prepareStages(names, files) {
  const journeys = names.includes('e2e') && specsOf(files).length > 0;
  if (!names.includes('unit') && !journeys) return;
  await setUp({ electron: journeys && canShowWindow(), build: true });
  process.env.GRAFT_WORKER ??= built('worker');
  if (names.includes('unit')) {
    await ensureVulkan();
    await ensureMpi();
  }
  if (journeys) await ensureBrowser();
}

/** By content, so that a fresh checkout of known files is known too. @param {string} name */
function cache(name) {
  return ['--cache', '--cache-strategy', 'content', '--cache-location', path.join(scratch, name)];
}

/** @param {string} folder @returns {string[]} */
function namesIn(folder) {
  const place = path.join(root, folder);
  return fs.existsSync(place) ? fs.readdirSync(place) : [];
}

/** @param {boolean} passed @returns {Counts} */
function asOne(passed) {
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

/**
 * @param {Plan} plan
 * @param {string} name of a command of node_modules/.bin
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
function tool(plan, name, args, env) {
  return command(plan, [toolPath(name), ...args], env);
}

/**
 * @param {Plan} plan
 * @param {string} file from the root
 */
function script(plan, file) {
  return command(plan, [path.join(root, file)]);
}

/**
 * @param {Plan} plan
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
async function command(plan, args, env) {
  if (!plan.quiet) return (await run(node24Path(), args, { output: 'inherit', env })).code;
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const { code, output } = await run(node24Path(), args, { output: 'capture', env: { ...colour, ...env } });
  plan.print(output);
  return code;
}

/** A report's path, with an older report removed. @param {string} file */
function fresh(file) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.rmSync(file, { force: true });
  return file;
}

/** A runner that crashed leaves no report; its exit code then counts. @param {string} file */
function read(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
}
