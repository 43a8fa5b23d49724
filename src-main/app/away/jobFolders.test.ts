/** A run that is carried elsewhere as a folder: its script run by a real shell there, and what comes back of it. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { graftFolder } from '../../../test-support/rigs/tinyJob.ts';

const HOSTILE = '-it\'s "$(touch nobody)" `touch nobody`;\n*';

function bench(): TestBench {
  const opened = openBench();
  onTestFinished(() => opened.close());
  return opened;
}

/** A job whose folder has that name, carried to another place under another one. */
async function exported({ services, dir }: TestBench, input: Awaited<ReturnType<typeof smallRun>>, name = 'job') {
  const run = await services.runs.start(input, { begin: false });
  const job = await services.jobs.export(run.id, {
    outDir: path.join(dir, name),
    graftDir: graftFolder(),
    kind: 'shell',
  });
  const there = path.join(temporaryFolder(), HOSTILE);
  fs.renameSync(job.dir, there);
  return { run, there, script: path.join(there, path.basename(job.script)) };
}

function runScript(script: string): void {
  execFileSync('sh', [script], {
    cwd: temporaryFolder(),
    env: { ...process.env, GRAFT_NODE: process.execPath },
    stdio: 'ignore',
  });
}

it('trains elsewhere what it trains here, and is taken back once', async () => {
  const opened = bench();
  const { services } = opened;
  const input = await smallRun(opened);
  const { run, there, script } = await exported(opened, {
    ...input,
    taskName: 'colours',
    name: HOSTILE.trim().slice(0, 60).replace('\n', ' '),
  });
  expect(services.runs.require(run.id).status).toBe('paused');
  // Neither the model nor the data of this machine is needed any more.
  for (const name of ['model', 'rows.jsonl'])
    fs.renameSync(path.join(opened.dir, name), path.join(opened.dir, `${name}-away`));
  runScript(script);
  for (const name of ['model', 'rows.jsonl'])
    fs.renameSync(path.join(opened.dir, `${name}-away`), path.join(opened.dir, name));
  expect(fs.readdirSync(path.dirname(there))).toEqual([path.basename(there)]);

  const back = await services.jobs.import(there);
  const here = await services.runs.finished((await services.runs.start(input)).id);
  expect(back).toMatchObject({ status: 'completed', result: { sha256: here.result!.sha256, steps: 6 } });
  const losses = (id: string): number[] => services.catalog.metrics.after(id, 0).map(({ loss }) => loss);
  expect(losses(run.id)).toEqual(losses(here.id));
  expect(fs.existsSync(path.join(back.result!.outDir, 'adapter_model.safetensors'))).toBe(true);
  await expect(services.jobs.import(there)).rejects.toMatchObject({ code: 'RUN_NOT_FOR_EXPORT' });
  expect(services.catalog.adapters.list().filter(({ runId }) => runId === run.id)).toHaveLength(1);
});

it('refuses what is not what was written', async () => {
  const opened = bench();
  const { services } = opened;
  const { run, there, script } = await exported(opened, await smallRun(opened));
  await expect(services.jobs.import(there)).rejects.toMatchObject({ code: 'JOB_NOT_OVER' });
  runScript(script);

  const weights = path.join(there, 'out', 'adapter_model.safetensors');
  const good = fs.readFileSync(weights);
  const bad = Buffer.from(good);
  bad[bad.length - 1]! ^= 1;
  fs.writeFileSync(weights, bad);
  await expect(services.jobs.import(there)).rejects.toMatchObject({ code: 'JOB_CHANGED' });
  fs.writeFileSync(weights, good);

  const file = path.join(there, 'job.json');
  const job = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, job.replaceAll(run.spec.model.hash, 'f'.repeat(64)));
  await expect(services.jobs.import(there)).rejects.toMatchObject({ code: 'JOB_NOT_OURS' });
  fs.writeFileSync(file, job.replaceAll(run.id, 'run-of-somebody-else'));
  await expect(services.jobs.import(there)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  expect(services.runs.require(run.id).status).toBe('paused');
  fs.writeFileSync(file, job);
  expect(await services.jobs.import(there)).toMatchObject({ status: 'completed' });
});

it('nothing is left of an export that cannot be made', async () => {
  const opened = bench();
  const { services } = opened;
  const run = await services.runs.start(await smallRun(opened), { begin: false });
  const outDir = path.join(opened.dir, 'job');
  // A value that no line of sbatch can hold.
  const request = { outDir, graftDir: graftFolder(), kind: 'sbatch', options: { partition: 'a\nb' } } as const;
  await expect(services.jobs.export(run.id, request)).rejects.toMatchObject({ code: 'BAD_INPUT' });
  await expect(
    services.jobs.export(run.id, { ...request, options: {}, graftDir: temporaryFolder() }),
  ).rejects.toMatchObject({ code: 'TARGET_NOT_READY' });
  expect(fs.readdirSync(opened.dir).filter((name) => name.includes('job'))).toEqual([]);
});
