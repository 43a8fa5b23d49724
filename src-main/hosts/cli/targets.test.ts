/** Targets on the command line: what it prints and returns, and what it refuses. */
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MODEL, openBench, writeRows, type TestBench } from '../../../test-support/rigs/services.ts';
import { readArgs } from './args.ts';
import type { Command } from './command.ts';
import { labStudy } from './labStudy.ts';
import { train } from './train.ts';
import { targetsAdd, targetsCheck, targetsList, targetsRemove } from './targets.ts';

let bench: TestBench;
beforeEach(() => {
  bench = openBench({
    askTarget: {
      check: ({ workDir }) =>
        Promise.resolve({
          usable: false,
          findings: [
            { what: 'work folder', state: 'ok', sentence: `${workDir} has 20 GiB free.` },
            { what: 'Node', state: 'missing', sentence: 'There is no Node 22.', mend: 'module load node' },
          ],
        }),
      load: () => Promise.resolve({ waiting: null, running: null, startsAt: null }),
    },
  });
});
afterEach(() => bench.close());

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

/** What is asked of the API to start, in place of starting it. */
async function started(command: Command, ...argv: string[]): Promise<Record<string, unknown>> {
  let asked: Record<string, unknown> = {};
  const take = (input: object): never => {
    asked = { ...input };
    throw new Error('taken');
  };
  const { services, api } = bench;
  const fake = {
    ...{ models: api.models, datasets: api.datasets, runs: { start: take } },
    studies: { preview: () => Promise.resolve({ variants: [1, 2], invalid: [] }), start: take },
  };
  const args = readArgs(argv, command.options, command.positionals);
  const out = { json: false, print: () => undefined, write: () => undefined, say: () => undefined };
  const done = command.run({ ...out, args, services, api: fake as unknown as typeof api });
  await expect(done).rejects.toThrow('taken');
  return asked;
}

it('train and lab study --on name the target, and what measures this machine does not go with it', async () => {
  const run0 = ['--model', MODEL, '--data', writeRows(path.join(bench.dir, 'rows.jsonl')), '--task', 't'];
  expect(await started(train, ...run0, '--on', 'lab')).toMatchObject({ target: 'lab' });
  expect((await started(train, ...run0))['target']).toBeUndefined();
  expect(await started(labStudy, ...run0, '--plan', 'ranks', '--on', 'lab')).toMatchObject({ target: 'lab' });
  await expect(run(train, ...run0, '--on', 'lab', '--fit')).rejects.toThrow(/--fit looks at this machine, not at lab/);
});

const SSH = ['--kind', 'ssh', '--host', 'me@pc', '--work-dir', '~/graft'];
const SLURM = ['--kind', 'slurm', '--work-dir', '/scratch/me'];

it('targets are added, listed, checked, replaced and removed', async () => {
  expect((await run(targetsList)).said).toMatch(/on this machine only; "targets add NAME"/);
  const options = ['--slurm', 'partition=gpu', '--slurm', 'gres=gpu:1,shard=2', '--at-a-time', '4'];
  const lab = await run(targetsAdd, 'lab', ...SLURM, ...options, '--processes', '2');
  expect(lab.said).toMatch(/^Added lab: slurm, this machine, \/scratch\/me\.\n.*targets check "lab"$/);
  expect(lab.result).toEqual({
    ...{ kind: 'slurm', name: 'lab', workDir: '/scratch/me', processes: 2, mpirun: 'mpirun', atATime: 4 },
    options: { partition: 'gpu', gres: 'gpu:1,shard=2' },
  });
  const pc = await run(targetsAdd, 'pc', ...SSH, '--port', '2222', '--identity-file', 'key', '--ssh-config', '/c');
  expect(pc.result).toMatchObject({
    connection: { host: 'me@pc', port: 2222, identityFile: path.resolve('key'), configFile: '/c' },
  });
  expect((await run(targetsList)).said).toMatch(
    /^NAME +KIND +HOST .*\nlab +slurm +this machine +\/scratch\/me +partition=gpu gres=gpu:1,shard=2 2 processes\npc +ssh +me@pc:2222 +~\/graft$/,
  );

  const { said, result } = await run(targetsCheck, 'lab');
  expect(said.split('\n')).toEqual([
    'ok      work folder: /scratch/me has 20 GiB free.',
    'missing Node: There is no Node 22.',
    '        Mend it there: module load node',
    'lab cannot be used yet.',
  ]);
  expect(result).toMatchObject({ name: 'lab', usable: false });

  await expect(run(targetsAdd, 'pc', ...SSH)).rejects.toThrow(/There is a target "pc" already; .*--replace/);
  expect((await run(targetsAdd, 'pc', ...SSH, '--replace')).result).toMatchObject({ connection: { host: 'me@pc' } });
  expect((await run(targetsRemove, 'pc')).said).toBe('Removed pc.');
  await expect(run(targetsCheck, 'pc')).rejects.toThrow(/There is no target "pc"; "targets list"/);
});

it.each([
  [['x', '--work-dir', '/w'], /--kind is missing; give slurm or ssh/],
  [['x', '--kind', 'cloud'], /--kind "cloud" is not valid; give one of slurm, ssh/],
  [['x', '--kind', 'ssh', '--work-dir', '/w'], /--host is missing/],
  [['x', '--kind', 'slurm'], /--work-dir is missing/],
  [['local', ...SLURM], /^NAME: is the name of this machine/],
  [['x', ...SSH, '--slurm', 'mem=4G'], /--slurm belongs to --kind slurm/],
  [['x', ...SLURM, '--port', '22'], /--port belongs to --host/],
  [['x', ...SLURM, '--slurm', 'wrap=id'], /--slurm "wrap=id" is not valid; give NAME=VALUE/],
  [['x', ...SLURM, '--slurm', 'mem'], /--slurm "mem" is not valid/],
  [['x', ...SLURM, '--slurm', 'mem=a\nb'], /^--slurm mem: must be one line/],
  [['x', ...SLURM, '--processes', '0'], /^--processes: /],
  [['x', ...SSH, '--node', '$(id)'], /^--node: must begin with/],
  [['x', '--kind', 'ssh', '--work-dir', '/w', '--host=-oProxyCommand=id'], /^--host: must be a host/],
] as const)('%# is refused with a sentence', async (argv, sentence) => {
  await expect(run(targetsAdd, ...argv)).rejects.toThrow(sentence);
});
