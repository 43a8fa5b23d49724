/** The worker on folders that are no jobs, and on jobs that somebody else has prepared. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { startJob, stateOf, tinyJob } from '../../../test-support/rigs/tinyJob.ts';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { readEvents } from '../events.ts';

type Job = { spec: { data: { file: string } }; files: Record<string, object> };

function edit(dir: string, change: (job: Job) => void): void {
  const file = path.join(dir, 'job.json');
  const job = JSON.parse(fs.readFileSync(file, 'utf8')) as Job;
  change(job);
  fs.writeFileSync(file, JSON.stringify(job));
}

it('a folder that is no job is told in a sentence', async () => {
  const dir = temporaryFolder();
  const file = path.join(dir, 'a file');
  fs.writeFileSync(file, '');
  for (const [folder, sentence] of [
    [dir, 'There is no job.json in'],
    [path.join(dir, 'nowhere'), 'There is no job.json in'],
    [file, 'lies below something that is not a folder'],
  ] as const) {
    const { ended, said } = startJob(folder);
    expect(await ended).toBe(1);
    expect(said()).toContain(sentence);
    expect(said().trim().split('\n')).toHaveLength(1);
  }
});

it('rows and files outside of the job are not read', async () => {
  const secret = path.join(temporaryFolder(), 'secret.jsonl');
  fs.writeFileSync(secret, '{"prompt":"my","completion":" secret"}\n'.repeat(20));
  for (const change of [
    (job: Job) => (job.spec.data.file = secret),
    (job: Job) => (job.spec.data.file = '../../../secret.jsonl'),
    (job: Job) => (job.spec.data.file = '../../data/../../secret.jsonl'),
    (job: Job) => (job.files[secret] = { sha256: '', sizeBytes: 1 }),
    (job: Job) => (job.files['run/../../secret'] = { sha256: '', sizeBytes: 1 }),
  ]) {
    const dir = await tinyJob(await tinyRun());
    edit(dir, change);
    expect(await startJob(dir).ended).toBe(1);
    expect(stateOf(dir)).toMatchObject({ phase: 'failed', error: { code: 'JOB_CHANGED' } });
  }
});

it('links in the place of its rows or its folders are not followed', async () => {
  const elsewhere = temporaryFolder();
  const linked = await tinyJob(await tinyRun());
  const rows = path.join(linked, 'data/rows.jsonl');
  fs.renameSync(rows, path.join(elsewhere, 'rows.jsonl'));
  fs.symlinkSync(path.join(elsewhere, 'rows.jsonl'), rows);
  edit(linked, (job) => delete job.files['data/rows.jsonl']);
  expect(await startJob(linked).ended).toBe(1);
  expect(stateOf(linked)).toMatchObject({ error: { code: 'NOT_OURS' } });
  for (const name of ['run', 'out']) {
    const target = temporaryFolder();
    const dir = await tinyJob(await tinyRun());
    fs.symlinkSync(target, path.join(dir, name));
    const { ended, said } = startJob(dir);
    expect(await ended).toBe(1);
    expect(said()).toContain('is a link');
    expect(fs.readdirSync(target)).toEqual([]);
  }
});

it('a time limit that leaves no time for a step is told, in place of beginning anew for ever', async () => {
  const dir = await tinyJob(await tinyRun({ train: { steps: 2000 } }));
  const env = { SLURM_JOB_ID: '7', SLURM_JOB_END_TIME: '1' };
  expect(await startJob(dir, env).ended).toBe(75);
  expect(stateOf(dir)).toMatchObject({ phase: 'interrupted', why: 'time limit' });
  expect(await startJob(dir, env).ended).toBe(1);
  expect(stateOf(dir)).toMatchObject({ phase: 'failed', resumable: true, error: { code: 'AWAY_ENDED' } });
});

it('garbage among its events is left out, and a loss that is no number is kept as none', () => {
  const at = { seq: 1, attempt: 1, atMs: 5 };
  const step = { ...at, type: 'step', step: 1, lr: 1, gradNorm: 1, tokensPerSecond: 1, memoryBytes: 1, elapsedMs: 1 };
  const lines = [
    '{"seq":1,"type":"step"}',
    'null',
    '{"seq":1,"attempt":1,"atMs":5,"type":"eval","step":1}',
    '['.repeat(5000),
    JSON.stringify({ ...step, loss: NaN }),
    JSON.stringify({ ...at, type: 'log', message: 'x' }),
  ];
  const { events } = readEvents(new TextEncoder().encode(`${lines.join('\n')}\n`));
  expect(events).toMatchObject([
    { type: 'step', loss: NaN },
    { type: 'log', message: 'x' },
  ]);
});
