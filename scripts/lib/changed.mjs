/** What `npm test -- --changed [REF]` runs: the files that differ, and the tests that belong to them. */
import path from 'node:path';
import { SetupError } from './say.mjs';
import { run } from './run.mjs';

/** Where one of these differs, anything can: every test runs. */
const EVERYTHING =
  /^(package(-lock)?\.json|vitest\.config\.ts|playwright\.config\.ts|(tsconfig|svelte\.config|electron\.vite\.config)[^/]*)$/;

/**
 * Journeys by the folder whose code they walk through, the most particular first; a file counts to the first that
 * fits. Code of the main process and shared parts of the page are walked by the first journey, from data to export.
 * @type {[folder: string, specs: string[]][]}
 */
export const JOURNEYS = [
  ['src-renderer/pages/adapters/', ['adapters']],
  ['src-renderer/pages/datasets/', ['datasets', 'prepare']],
  ['src-renderer/pages/evaluate/', ['evaluate']],
  ['src-renderer/pages/export/', ['export']],
  ['src-renderer/pages/home/', ['home']],
  ['src-renderer/pages/lab/', ['lab']],
  ['src-renderer/pages/models/', ['models']],
  ['src-renderer/pages/newRun/', ['new-run']],
  ['src-renderer/pages/playground/', ['playground', 'lab']],
  ['src-renderer/pages/run/', ['run']],
  ['src-renderer/pages/runs/', ['runs', 'compare-runs']],
  ['src-renderer/pages/compareRuns/', ['compare-runs']],
  ['src-renderer/pages/serve/', ['serve']],
  ['src-renderer/pages/settings/', ['settings']],
  ['src-renderer/pages/study/', ['study']],
  ['src-renderer/charts/heat/', ['lab']],
  ['src-renderer/charts/', ['run']],
  ['src-renderer/lab/', ['lab']],
  ['src-renderer/ui/SplitPane.svelte', ['layout', 'keyboard']],
  ['src-renderer/', ['journey', 'settings', 'layout']],
  ['src-main/api/', ['journey']],
  ['src-main/app/studies/', ['study']],
  ['src-main/app/suites/', ['evaluate']],
  ['src-main/evaluation/', ['evaluate']],
  ['src-main/app/', ['journey']],
  ['src-main/catalog/', ['journey']],
  ['src-main/hosts/web/', ['journey', 'unhappy']],
  ['src-main/worker/', ['journey']],
  ['src-shared/', ['journey']],
];

/** @typedef {{ files: string[], ref: string }} Change */

/**
 * Files that differ from `ref`, untracked ones included; without `ref` from the last commit, and where nothing does,
 * those of the last commit itself.
 * @param {string | undefined} ref
 * @returns {Promise<Change>}
 */
export async function changedFiles(ref) {
  const since = ref ?? 'HEAD';
  const files = await differing(since);
  return files.length > 0 || ref !== undefined
    ? { files, ref: since }
    : { files: await differing('HEAD~1'), ref: 'HEAD~1' };
}

/** @param {string} ref */
async function differing(ref) {
  const tracked = await git(['diff', '--name-only', '--diff-filter=d', ref, '--']);
  return [...tracked, ...(await git(['ls-files', '--others', '--exclude-standard']))].sort();
}

/** @param {string[]} args @returns {Promise<string[]>} lines */
async function git(args) {
  const { code, output } = await run('git', args, { output: 'capture' });
  if (code !== 0) throw new SetupError(`git ${args.join(' ')} failed: ${output.trim().split('\n')[0]}`);
  return output.split('\n').filter(Boolean);
}

/** @param {string[]} files */
export function touchesEverything(files) {
  return files.some((file) => EVERYTHING.test(file));
}

/**
 * Sources whose dependent tests run, and the tests beside them: a process that a test starts by its path is seen by
 * its folder, not by an import.
 * @param {string[]} files
 * @param {(folder: string) => string[]} namesIn
 */
export function unitFilters(files, namesIn) {
  const sources = files.filter((file) =>
    /^(src-|scripts\/|bench\/|test-support\/).*\.(ts|mjs|svelte|json)$/.test(file),
  );
  const beside = [...new Set(sources.map((file) => path.posix.dirname(file)))].flatMap((folder) =>
    namesIn(folder)
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `${folder}/${name}`),
  );
  return [...new Set([...sources, ...beside])];
}

/** Specs to run, without folder and ending. @param {string[]} files @returns {string[] | 'all'} */
export function journeysOf(files) {
  const changed = files.filter((file) => !/\.(test\.ts|md)$/.test(file));
  if (changed.some((file) => /^e2e\/(?!screens)[^.]+\.ts$/.test(file))) return 'all';
  const own = changed.flatMap((file) => /^e2e\/(.+)\.spec\.ts$/.exec(file)?.[1] ?? []);
  const walked = changed.flatMap((file) => JOURNEYS.find(([folder]) => file.startsWith(folder))?.[1] ?? []);
  return [...new Set([...own, ...walked])].sort();
}

/** Files that ESLint reads. @param {string[]} files */
export function lintable(files) {
  return files.filter((file) => /\.(ts|mjs|js|svelte)$/.test(file));
}
