/** Suites on the command line: what it prints and returns, and what it refuses, on the starter model. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SuiteComparison } from '../../../src-shared/suites.ts';
import { MODEL, openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import { readArgs } from './args.ts';
import type { Command } from './command.ts';
import { evaluate } from './evaluate.ts';
import { suitesAdd, suitesList, suitesRemove, suitesShow } from './suites.ts';

let bench: TestBench;
beforeAll(async () => {
  bench = openBench();
  const file = path.join(bench.dir, 'rows.jsonl');
  const rows = [0, 1, 2, 3].map((i) => JSON.stringify({ prompt: `name: Inn ${i} | food:`, completion: ` Thai ${i}` }));
  fs.writeFileSync(file, rows.join('\n'));
  await bench.api.datasets.add({ file, name: 'inns' });
  await bench.api.models.add({ dir: MODEL, name: 'Starter' });
});
afterAll(() => bench.close());

async function run(
  { run, options, positionals }: Command,
  ...argv: string[]
): Promise<{ said: string; result: object }> {
  const lines: string[] = [];
  const print = (line: string): number => lines.push(line);
  const { services, api } = bench;
  const args = readArgs(argv, options, positionals);
  const result = await run({ args, services, api, json: false, print, write: print, say: () => undefined });
  return { said: lines.join('\n'), result };
}

it('a suite is made, listed, shown, measured and removed', async () => {
  expect((await run(suitesList)).said).toMatch(/no suite yet/);
  const added = await run(
    suitesAdd,
    'Inns',
    '--data',
    'inns',
    '--sample',
    '3',
    '--max-new',
    '4',
    '--metrics',
    'bleu,loss',
  );
  expect(added.said).toMatch(/^Inns {2}suite-\w+\n3 questions of inns, version 1; BLEU, Loss$/);
  expect((await run(suitesList)).said).toMatch(/Inns .* inns +3 +BLEU, Loss +0/);
  const { said, result } = await run(evaluate, '--suite', 'Inns', '--model', 'Starter', '--engine', 'wasm');
  const { subjects, differing } = result as SuiteComparison;
  expect(subjects.map(({ name }) => name)).toEqual(['Starter']);
  expect(differing).toBe(0);
  expect(said).toMatch(/^METRIC +SCORE\nBLEU +\d+\.\d\nLoss +\d\.\d{4}$/);
  const shown = (await run(suitesShow, 'Inns')).said;
  expect(shown).toContain(`Loss`.toUpperCase());
  expect(shown).toContain(subjects[0]!.scores.loss!.toFixed(4));
  expect((await run(suitesRemove, 'Inns')).said).toMatch(/^Removed suite-/);
  await expect(run(suitesShow, 'Inns')).rejects.toThrow(/no suite "Inns"/);
});

it.each([
  [suitesAdd, ['x', '--data', 'none'], /no dataset "none"/],
  [suitesAdd, ['x'], /Name the dataset/],
  [suitesAdd, ['x', '--held-out', 'run-1', '--data', 'inns'], /--held-out names the rows already/],
  [suitesAdd, ['x', '--data', 'inns', '--general-rows', '9'], /--general-rows belongs to --general/],
  [suitesAdd, ['x', '--data', 'inns', '--sample', '0'], /rows\.count/],
  [suitesAdd, ['x', '--data', 'inns', '--metrics', 'rouge'], /--metrics "rouge" is not valid; give a list out of/],
  [evaluate, ['--suite', 'none'], /no suite "none"/],
  [evaluate, ['--suite', 'none', '--data', 'rows.jsonl'], /--data means nothing beside --suite/],
  [evaluate, ['--base', '--data', 'rows.jsonl', '--model', MODEL], /--base is for a suite/],
  [evaluate, ['--adapter', 'a', '--adapter', 'b', '--data', 'rows.jsonl'], /Several adapters are for a suite/],
] as const)('%# is refused with a sentence', async (command, argv, sentence) => {
  await expect(run(command, ...argv)).rejects.toThrow(sentence);
});

it('needs somebody to measure', async () => {
  await run(suitesAdd, 'Again', '--data', 'inns');
  await expect(run(evaluate, '--suite', 'Again')).rejects.toThrow(/Name who is measured/);
});
