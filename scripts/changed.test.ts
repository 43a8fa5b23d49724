/** What a change touches: which journeys, which unit tests, when everything; tables of times; the environment. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { changedFiles, JOURNEYS, journeysOf, lintable, touchesEverything, unitFilters } from './lib/changed.mjs';
import { root } from './lib/paths.mjs';
import { setTestEnvironment } from './lib/testEnvironment.mjs';
import { journeyTimes, timesTable, unitTimes } from './lib/times.mjs';

const SPECS = fs
  .readdirSync(path.join(root, 'e2e'))
  .filter((name) => name.endsWith('.spec.ts'))
  .map((name) => name.replace('.spec.ts', ''));

describe('journeys', () => {
  it.each([
    [['src-renderer/pages/run/Losses.svelte'], ['run']],
    [['src-renderer/pages/runs/runTable.ts'], ['compare-runs', 'runs']],
    [['src-renderer/ui/Button.svelte'], ['journey', 'layout', 'settings']],
    [
      ['src-main/api/runs.ts', 'src-renderer/pages/home/Board.svelte'],
      ['home', 'journey'],
    ],
    [['e2e/models.spec.ts'], ['models']],
    [['e2e/realRuns.ts'], 'all'],
    [['e2e/screens.ts', 'docs/engines.md', 'src-main/api/runs.test.ts', 'src-main/engine/ops/gelu.ts'], []],
  ])('of %j are %j', (files, want) => expect(journeysOf(files)).toEqual(want));

  it('are named for every page, and exist', () => {
    for (const [folder, specs] of JOURNEYS) {
      expect(fs.existsSync(path.join(root, folder)), folder).toBe(true);
      for (const spec of specs) expect(SPECS, folder).toContain(spec);
    }
    const pages = fs.readdirSync(path.join(root, 'src-renderer/pages'), { withFileTypes: true });
    for (const page of pages.filter((entry) => entry.isDirectory()))
      expect(JOURNEYS.map(([folder]) => folder)).toContain(`src-renderer/pages/${page.name}/`);
  });
});

describe('unit tests', () => {
  it('are those that import a source, and those beside it', () => {
    const names: Record<string, string[]> = { 'src-main/files': ['a.ts', 'a.test.ts', 'b.test.ts'] };
    expect(
      unitFilters(['src-main/files/a.ts', 'docs/engines.md', 'README.md'], (folder) => names[folder] ?? []),
    ).toEqual(['src-main/files/a.ts', 'src-main/files/a.test.ts', 'src-main/files/b.test.ts']);
  });

  it.each(['package-lock.json', 'vitest.config.ts', 'tsconfig.json', 'tsconfig.renderer.json'])(
    'all run where %s differs',
    (file) => expect(touchesEverything(['README.md', file])).toBe(true),
  );

  it('do not all run for a source or a text', () =>
    expect(touchesEverything(['src-main/app/services.ts', 'README.md', 'test-support/README.md'])).toBe(false));
});

it('lints code only', () =>
  expect(lintable(['a.ts', 'b.md', 'c.svelte', 'd.mjs'])).toEqual(['a.ts', 'c.svelte', 'd.mjs']));

it('knows what differs from a commit, and refuses one that is none', async () => {
  const [last] = execFileSync('git', ['log', '-1', '--format=%H'], { cwd: root, encoding: 'utf8' }).split('\n');
  const tracked = execFileSync('git', ['diff', '--name-only', '--diff-filter=d', last!], {
    cwd: root,
    encoding: 'utf8',
  });
  const { files, ref } = await changedFiles(last);
  expect(ref).toBe(last);
  expect(files).toEqual(expect.arrayContaining(tracked.split('\n').filter(Boolean)));
  await expect(changedFiles('no-such-commit')).rejects.toThrow(/no-such-commit/);
});

it('tells the slowest files first, as tables', () => {
  const unit = unitTimes(
    {
      testResults: [
        { name: '/repo/a.test.ts', startTime: 0, endTime: 1500 },
        { name: '/repo/b.test.ts', startTime: 1000, endTime: 4000 },
      ],
    },
    '/repo',
  );
  expect(timesTable('Test file', unit)).toBe(
    '| Test file | seconds |\n| --- | ---: |\n| b.test.ts | 3.0 |\n| a.test.ts | 1.5 |',
  );
  const specs = [{ tests: [{ results: [{ duration: 700 }] }] }];
  const suites = [{ title: 'home.spec.ts', suites: [{ title: 'inner', specs }], specs }];
  expect(journeyTimes({ suites })).toEqual([{ name: 'e2e/home.spec.ts', ms: 1400 }]);
});

it('sets the environment of tests, where nobody has', () => {
  const environment: NodeJS.ProcessEnv = { TF_NUM_INTRAOP_THREADS: '4' };
  setTestEnvironment(environment);
  expect(environment).toMatchObject({ TF_NUM_INTRAOP_THREADS: '4', LP_NATIVE_VECTOR_WIDTH: '128' });
  expect(environment['NODE_COMPILE_CACHE']).toBe(path.join(root, '.cache', 'node'));
});
