/** A run on several processes, under real mpiruns: beside PyTorch's steps, beside one process, and when one fails. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { interimDir, runStateFile } from '../../runfolder/layout.ts';
import { hashOf, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { mpirun, mpiNote, MPIS, startRun, type MpiRun } from '../../../test-support/rigs/mpi/mpirun.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { readJson, type CaseGolden } from '../../../test-support/goldens/goldens.ts';
import { skipNote } from '../../../test-support/goldens/shared.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainResult } from '../../../src-shared/training.ts';

const STARTER = path.resolve(import.meta.dirname, '../../../resources/starter');

async function starterRun(train: object = {}): Promise<RunSpec> {
  const spec = await tinyRun({
    train: { steps: 6, batch: 4, lr: 5e-3, warmup: 2, val: 0.03, evalEvery: 3, checkpointEvery: 2, ...train },
  });
  const dir = path.join(STARTER, 'model');
  const data = { ...spec.data, file: path.join(STARTER, 'data', 'describe.jsonl'), maxLength: 64 };
  return { ...spec, engine: 'tensorflow', model: { dir, hash: hashOf(dir) }, data };
}

/** The same run with folders of its own. */
function again(spec: RunSpec): RunSpec {
  const dir = temporaryFolder();
  const runDir = path.join(dir, 'run');
  fs.mkdirSync(runDir);
  return { ...spec, runDir, outDir: path.join(dir, 'out') };
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.each(MPIS)('%s', (mpi) => {
  const note = mpiNote(mpi);

  describe.skipIf(note !== '' || skipNote('golden') !== '')(`beside PyTorch${note || skipNote('golden')}`, () => {
    it.each([
      ['llama/lora_all', 2],
      ['llama/lora_all', 4],
      ['llama/lora_accum2', 2],
    ])('20 steps of %s on %i processes', async (name, processes) => {
      const log = path.join(temporaryFolder(), 'log.json');
      const { code, stderr } = await mpirun(mpi, processes, 'golden.ts', [name, log]).ended;
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const found = JSON.parse(fs.readFileSync(log, 'utf8')) as { loss: number; gradNorm: number }[];
      const { steps } = readJson<CaseGolden>(`golden/${name}/golden.json`);
      const wanted = { rtol: 1e-4, atol: 0 };
      expectClose(
        found.map(({ loss }) => loss),
        steps.map(({ loss }) => loss),
        wanted,
      );
      expectClose(
        found.map(({ gradNorm }) => gradNorm),
        steps.map((step) => step.grad_norm),
        wanted,
      );
    });
  });

  describe.skipIf(note !== '')(`a run${note}`, () => {
    it.each([2, 4])('of the starter model on %i processes is that of one', async (processes) => {
      const spec = await starterRun();
      const one = startRun(null, 1, { spec });
      await one.ended;
      const several = startRun(mpi, processes, { spec: again(spec) });
      const { code, stderr } = await several.ended;
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(several.losses()).toHaveLength(6);
      expectClose(several.losses(), one.losses(), { rtol: 1e-5, atol: 0 });
      const evaluations = (run: typeof one): number[] => run.events('eval').map(({ valLoss }) => valLoss);
      expect(evaluations(one)).toHaveLength(3);
      expectClose(evaluations(several), evaluations(one), { rtol: 1e-5, atol: 0 });
      expect(several.events('started')).toHaveLength(1);
      // every process ends with the first one's result
      for (const line of several.lines())
        if ('pid' in line) expect(line).toMatchObject({ size: processes, here: processes });
      const [first, ...others] = several.results();
      expect(others).toHaveLength(processes - 1);
      for (const other of others) expect(other).toEqual(first);
      const [alone] = one.results();
      expect(first).toMatchObject({ outcome: 'completed', steps: 6, trainableParameters: alone!.trainableParameters });
      expect(first!.heldOut).toEqual(alone!.heldOut);
    });

    it('that a killed process has ended goes on from its state on 2 processes instead of 4', async () => {
      const options = { checkpointEvery: 2, evalEvery: 0, val: 0, schedule: 'constant', warmup: 0 };
      const spec = await starterRun({ ...options, steps: 400 });
      const killed = startRun(mpi, 4, { spec });
      await killed.untilStep(5);
      process.kill(killed.pidOf(2), 'SIGKILL');
      expect((await killed.ended).code).not.toBe(0);
      for (const rank of [0, 1, 2, 3])
        await expect.poll(() => isThere(killed.pidOf(rank)), { timeout: 10_000 }).toBe(false);
      const steps = killed.losses().length + 2;
      expect(steps).toBeLessThan(400);
      expect(fs.existsSync(runStateFile(spec.runDir))).toBe(true);

      const shorter = { ...spec, train: { ...spec.train, steps } };
      const resumed = startRun(mpi, 2, { spec: shorter, resume: true });
      const whole = startRun(null, 1, { spec: again(shorter) });
      expect(await resumed.ended).toEqual({ code: 0, stderr: '' });
      await whole.ended;
      const { resumedFrom } = resumed.events('started')[0]!;
      expect(resumedFrom).toBeGreaterThanOrEqual(4);
      expect(resumed.losses()).toHaveLength(steps - resumedFrom);
      expectClose(resumed.losses(), whole.losses().slice(resumedFrom), { rtol: 1e-5, atol: 0 });
      expectClose(killed.losses(), whole.losses().slice(0, steps - 2), { rtol: 1e-5, atol: 0 });
    });

    it('pauses all when one is asked to, and stops all when one is', async () => {
      const spec = await tinyRun({ train: { steps: 100_000, schedule: 'constant', checkpointEvery: 0 } });
      const paused = startRun(mpi, 2, { spec });
      await paused.untilStep(3);
      process.kill(paused.pidOf(1), 'SIGUSR2');
      expect((await paused.ended).code).toBe(0);
      expect(paused.results().map(({ outcome }) => outcome)).toEqual(['paused', 'paused']);
      const [{ steps, outDir }] = paused.results() as [TrainResult, TrainResult];
      expect(outDir).toBe(interimDir(spec.runDir));

      const stopped = startRun(mpi, 2, { spec, resume: true });
      await stopped.untilStep(steps + 2);
      process.kill(stopped.pidOf(1), 'SIGHUP');
      await stopped.ended;
      expect(stopped.events('started')[0]!.resumedFrom).toBe(steps);
      expect(stopped.results().map(({ outcome }) => outcome)).toEqual(['stopped', 'stopped']);
      expect(fs.readdirSync(spec.outDir)).toContain('adapter_model.safetensors');
    });
  });
});

/** What does not depend on the MPI. */
const mpi = MPIS.find((name) => mpiNote(name) === '');

describe.skipIf(!mpi)('on several processes', () => {
  it.each<[string, Parameters<typeof tinyRun>[0], number]>([
    [
      'dropout and noise, in whole micro-batches,',
      { method: { dropout: 0.3 }, train: { accumulate: 2, neftune: 5 } },
      2,
    ],
    ['a whole model, packed,', { method: { type: 'full' }, train: { packing: true, batch: 1, lr: 1e-3 } }, 2],
    ['three rows for four processes', { train: { batch: 3, gradientCheckpointing: true, labelSmoothing: 0.1 } }, 4],
  ])('%s gives the losses of one process', async (_, options, processes) => {
    const spec = await tinyRun(options);
    const one = startRun(null, 1, { spec });
    await one.ended;
    const several = startRun(mpi!, processes, { spec: again(spec) });
    expect(await several.ended).toEqual({ code: 0, stderr: '' });
    expect(several.losses()).toHaveLength(6);
    expectClose(several.losses(), one.losses(), { rtol: 1e-5, atol: 0 });
    expectClose([several.results()[0]!.valLoss!], [one.results()[0]!.valLoss!], { rtol: 1e-5, atol: 0 });
  });

  it('texts that are classified have the scores of one process, and training ends early as there', async () => {
    const rows = Array.from({ length: 24 }, (_, i) =>
      JSON.stringify({ text: `${'xy'[i % 2]} ${'z'.repeat(i % 5)}`, label: i % 2 ? 'second' : 'first' }),
    );
    const spec = await tinyRun({
      rows,
      data: { classify: true },
      train: { steps: 60, lr: 3e-2, val: 0.4, evalEvery: 1, patience: 2, keepBest: true, schedule: 'constant' },
    });
    const one = startRun(null, 1, { spec });
    await one.ended;
    const several = startRun(mpi!, 2, { spec: again(spec) });
    expect(await several.ended).toEqual({ code: 0, stderr: '' });
    const scores = (run: MpiRun): unknown[] => run.events('eval').map((event) => [event.step, event.scores]);
    expect(scores(one).length).toBeGreaterThan(3);
    expect(scores(several)).toEqual(scores(one));
    const [alone] = one.results();
    expect(alone).toMatchObject({ stoppedEarly: true });
    const { stoppedEarly, steps } = alone!;
    for (const result of several.results()) expect(result).toMatchObject({ stoppedEarly, steps });
    expect(several.results()[0]!.best!.step).toBe(alone!.best!.step);
  });

  describe('an error', () => {
    const told = async (job: Parameters<typeof startRun>[2]) => {
      const run = startRun(mpi!, 2, job);
      const { code, stderr } = await run.ended;
      expect(code).not.toBe(0);
      return { errors: run.errors(), losses: run.losses(), stderr };
    };

    it('of one while the run begins is that of all', async () => {
      const spec = await tinyRun();
      const odd = { rank: 1, spec: { ...spec, data: { ...spec.data, file: '/nowhere/rows.jsonl' } } };
      const { errors } = await told({ spec, odd });
      expect([...errors.keys()].sort()).toEqual([0, 1]);
      expect(errors.get(0)).toEqual(errors.get(1));
      expect(errors.get(0)!.message).toMatch(/^Process 2 of 2 \(on .+\) could not go on: .*\/nowhere\/rows\.jsonl/);
      expect(errors.get(0)).toMatchObject({ code: 'DATASET_NOT_FOUND', details: { process: 2 } });
    });

    it('of one in a step is that of all, and nobody goes on', async () => {
      const spec = await tinyRun();
      const train = { ...spec.train, memoryLimitBytes: 1 };
      const { errors, losses } = await told({ spec, odd: { rank: 1, spec: { ...spec, train } } });
      expect(losses).toEqual([]);
      expect(errors.get(0)).toMatchObject({ code: 'OUT_OF_MEMORY', details: { process: 2, step: 1 } });
      expect(errors.get(1)).toEqual(errors.get(0));
    });

    it('that all meet is told once, as of one process', async () => {
      const spec = await tinyRun({ train: { lr: 1e30, maxBadSteps: 2, steps: 40 } });
      const { errors } = await told({ spec });
      expect(errors.get(0)).toMatchObject({ code: 'LOSS_NOT_FINITE' });
      expect(errors.get(1)).toEqual(errors.get(0));
    });

    it('that the others cannot know of ends them', async () => {
      const { errors, losses } = await told({ spec: await tinyRun({ train: { steps: 1000 } }), untold: 3 });
      expect([...errors.values()]).toMatchObject([{ message: 'the first process cannot tell' }]);
      expect(losses).toHaveLength(2);
    });

    it('where choices are to be learnt comes before anything is loaded', async () => {
      const spec = await tinyRun({ objective: { type: 'dpo' } });
      const { errors } = await told({ spec: { ...spec, model: { dir: '/nowhere', hash: '' } } });
      expect(errors.get(0)).toMatchObject({ code: 'MPI_FAILED', kind: 'usage' });
      expect(errors.get(0)!.message).toMatch(/^A run that learns from choices \(objective dpo\) is trained by one/);
    });
  });
});
