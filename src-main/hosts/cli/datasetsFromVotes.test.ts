import fs from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import { readArgs } from './args.ts';
import { datasetsFromVotes } from './datasetsFromVotes.ts';

let bench: TestBench;
beforeEach(() => (bench = openBench()));
afterEach(() => bench.close());

function run(...argv: string[]): Promise<unknown> {
  const { services, api } = bench;
  const args = readArgs(argv, datasetsFromVotes.options, []);
  const print = (line: string): void => void said.push(line);
  return datasetsFromVotes.run({ args, services, api, json: false, print, write: print, say: () => undefined });
}
const said: string[] = [];

it('writes what was chosen, the next time as a new version, and says where', async () => {
  await expect(run()).rejects.toThrow(/There are no choices yet/);
  await bench.api.choices.vote({ prompt: 'Why?', answers: ['No.', 'So.'], best: 1 });
  const first = (await run()) as { id: string; file: string };
  expect(said).toEqual([`Playground choices (${first.id}), version 1: ${first.file}`]);
  expect(JSON.parse(fs.readFileSync(first.file, 'utf8'))).toEqual({ prompt: 'Why?', chosen: 'So.', rejected: 'No.' });
  await bench.api.choices.mark({ prompt: 'Why?', answer: 'No.', good: false });
  const marks = (await run('--kind', 'marks')) as { id: string; file: string };
  expect(JSON.parse(fs.readFileSync(marks.file, 'utf8'))).toEqual({ prompt: 'Why?', completion: 'No.', label: false });
  await bench.api.choices.vote({ prompt: 'How?', answers: ['Thus.', 'Not.'], best: 0 });
  expect(await run()).toMatchObject({ id: first.id, version: 2 });
  await expect(run('--kind', 'stars')).rejects.toThrow('--kind "stars" is not valid; give one of pairs, marks.');
});
