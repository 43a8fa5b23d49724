/** Studies through the API, their runs trained by a fake: what is queued, kept, repeated, pruned, said. */
import { afterEach, describe, expect, it } from 'vitest';
import { fakeTrainer, type FakeTraining } from '../../test-support/fakes/fakeTrainer.ts';
import { openBench, smallRun, type TestBench } from '../../test-support/rigs/services.ts';
import type { StartRun } from '../app/runs/input.ts';
import type { StudyPlan } from '../../src-shared/studies.ts';

const benches: TestBench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

/** Losses by rank and seed; `started` collects rank, seed and first step of each start. */
function trainingBench(training: Partial<FakeTraining> = {}, takeQueued = true) {
  const started: string[] = [];
  const lossOf: FakeTraining['lossOf'] = ({ method, train }) =>
    'rank' in method ? 1 + 0.001 * train.seed + 0.08 / method.rank : 1;
  const began: FakeTraining['began'] = ({ method, train }, from) =>
    void started.push(`r ${'rank' in method ? method.rank : 0}, seed ${train.seed}, from ${from}`);
  const bench = openBench({ spawnWorker: fakeTrainer({ lossOf, began, ...training }), takeQueued });
  benches.push(bench);
  return { bench, started };
}

const RANKS: StudyPlan = { kind: 'ranks', ranks: [2, 8] };
const base = async (bench: TestBench, train: StartRun['train'] = {}): Promise<StartRun> => ({
  ...(await smallRun(bench, { steps: 4, checkpointEvery: 0, ...train })),
  method: { type: 'lora', rank: 4, alpha: 8, targets: ['q', 'v'] },
});

describe('a study', () => {
  it('trains each variant with each seed, seed by seed, and ends with a verdict', async () => {
    const { bench, started } = trainingBench();
    const input = await base(bench, { samplePrompts: ['One day'] });
    const { id } = await bench.api.studies.start({ base: input, plan: RANKS, seeds: [5, 6, 7] });
    const study = await bench.services.studies.finished(id);
    expect(started).toEqual([5, 6, 7].flatMap((seed) => [2, 8].map((rank) => `r ${rank}, seed ${seed}, from 0`)));
    // 1.04 + s and 1.01 + s with s of 0.005 to 0.007: a difference of 0.03 without any spread.
    expect(study).toMatchObject({
      state: 'done',
      done: 6,
      total: 6,
      msLeft: 0,
      best: 1,
      verdict: 'r = 8 has the lowest validation loss, 1.016; r = 2 is worse, by 0.030 ± 0.000 over 3 seeds.',
      variants: [
        { label: 'r = 2', relation: 'worse', parameters: 224, method: { rank: 2, alpha: 4 } },
        { label: 'r = 8', relation: 'reference', parameters: 896, method: { rank: 8, alpha: 16 } },
      ],
    });
    expect(await bench.api.studies.ofRun({ id: study.bestRun!.runId })).toMatchObject({ id, state: 'done' });
    expect(await bench.api.studies.ofRun({ id: 'run-0' })).toBeNull();
    const [two, eight] = study.variants;
    expect(two!.difference!.mean).toBeCloseTo(0.03, 10);
    expect(eight!.loss!.sd).toBeCloseTo(0.001, 10);
    const best = await bench.api.runs.get({ id: study.bestRun!.runId });
    expect([best.name, best.spec.train.seed]).toEqual(['colours: ranks, r = 8, seed 5', 5]);
    expect(best.spec.train.samplePrompts).toEqual([]);
    const { task } = await bench.api.tasks.switch({ taskId: study.taskId!, adapterId: study.bestRun!.adapterId });
    expect(task.activeAdapterId).toBe(study.bestRun!.adapterId);
    expect((await bench.api.studies.get({ id, baseline: 0 })).variants[1]).toMatchObject({ relation: 'better' });
    await expect(bench.api.studies.resume({ id })).rejects.toThrow(/there is nothing left to do\.$/);

    await bench.api.studies.remove({ id });
    expect([await bench.api.studies.list(), await bench.api.runs.list()]).toEqual([[], []]);
    expect(bench.services.catalog.adapters.list()).toHaveLength(6);
  });

  it('goes on where a closed Graft left it: what had ended is not repeated, what was under way is first', async () => {
    const open = new Set(['0 2']);
    const holds: FakeTraining['holds'] = ({ method, train }) =>
      !open.has(`${train.seed} ${'rank' in method ? method.rank : 0}`) && !open.has('all');
    const { bench, started } = trainingBench({ holds });
    const { id } = await bench.api.studies.start({ base: await base(bench), plan: RANKS, seeds: [0, 1] });
    await new Promise<void>((resolve) => {
      bench.services.runs.subscribeAll((event) => event.type === 'run' && started.length === 2 && resolve());
    });
    await bench.services.close();
    open.add('all');
    await bench.reopen();
    const study = await bench.services.studies.finished(id);
    expect(study).toMatchObject({ state: 'done', best: 1 });
    expect(started).toEqual([
      'r 2, seed 0, from 0',
      'r 8, seed 0, from 0',
      'r 8, seed 0, from 0', // It had no checkpoint.
      'r 2, seed 1, from 0',
      'r 8, seed 1, from 0',
    ]);
  });

  it('on the command line waits for its resumption', async () => {
    let isHeld = true;
    const { bench, started } = trainingBench({ holds: () => isHeld }, false);
    const { id } = await bench.api.studies.start({ base: await base(bench), plan: RANKS, seeds: [3] });
    await bench.services.close();
    isHeld = false;
    await bench.reopen();
    expect((await bench.api.studies.get({ id })).variants.map(({ runs }) => runs[0]!.status)).toEqual([
      'failed',
      'queued',
    ]);
    expect((await bench.api.studies.resume({ id })).state).toBe('under way');
    expect((await bench.services.studies.finished(id)).best).toBe(1);
    expect(started.slice(-2)).toEqual(['r 2, seed 3, from 0', 'r 8, seed 3, from 0']);
  });

  it('that is cancelled ends, and can still be gone on with', async () => {
    let isHeld = true;
    const { bench } = trainingBench({ holds: () => isHeld });
    const { id } = await bench.api.studies.start({ base: await base(bench), plan: RANKS, seeds: [0, 1] });
    await expect(bench.api.studies.remove({ id })).rejects.toThrow(/cancel it before you remove it\.$/);
    await bench.api.studies.cancel({ id });
    expect(await bench.services.studies.finished(id)).toMatchObject({ state: 'cancelled', verdict: null, best: null });
    isHeld = false;
    await bench.api.studies.resume({ id });
    expect(await bench.services.studies.finished(id)).toMatchObject({ state: 'done', best: 1 });
  });

  it('shows a run without a finite loss with its reason, and does not take it for the best', async () => {
    const lossOf: FakeTraining['lossOf'] = ({ method }) => ('rank' in method && method.rank === 8 ? NaN : 1);
    const { bench } = trainingBench({ lossOf });
    const { id } = await bench.api.studies.start({ base: await base(bench), plan: RANKS, seeds: [0, 1] });
    const study = await bench.services.studies.finished(id);
    expect(study).toMatchObject({ best: 0, variants: [{ loss: { mean: 1 } }, { relation: null, loss: null }] });
    expect(study.variants[1]!.runs[0]).toMatchObject({
      status: 'completed',
      problem: 'None of its validation losses was a finite number; try a lower learning rate.',
    });
  });

  it('shows a run that failed with its reason, and compares the rest', async () => {
    const { bench } = trainingBench({
      began: ({ method }) => {
        if ('rank' in method && method.rank === 8) throw new Error('The loss is not finite.');
      },
    });
    const plan: StudyPlan = { kind: 'ranks', ranks: [2, 4, 8] };
    const { id } = await bench.api.studies.start({ base: await base(bench), plan, seeds: [0, 1] });
    const study = await bench.services.studies.finished(id);
    expect(study).toMatchObject({ best: 1, variants: [{}, {}, { relation: null, loss: null }] });
    expect(study.variants[2]!.runs[0]).toMatchObject({ status: 'failed', problem: 'The loss is not finite.' });
    expect(study.verdict).toMatch(/^r = 4 has the lowest validation loss, .*; r = 2 is worse/);
  });
});

describe('what cannot be compared', () => {
  it('is refused before anything is queued, each variant with its reason', async () => {
    const { bench } = trainingBench();
    const input = await base(bench);
    const refused = (study: Partial<Parameters<TestBench['api']['studies']['start']>[0]>) =>
      expect(bench.api.studies.start({ base: input, plan: RANKS, ...study })).rejects;
    await refused({ plan: { kind: 'ranks', ranks: [4, 9, 17] } }).toThrow(
      /^2 variants of 3 cannot be trained\. r = 9: Rank 9 does not fit target v .* r = 17: Rank 17 does not fit/,
    );
    await refused({ plan: { kind: 'ranks', ranks: [4, 4, 9] }, skipInvalid: true }).toThrow(/at least two variants/);
    await refused({ base: { ...input, train: { ...input.train, val: 0 } } }).toThrow(/raise the share of rows/);
    await refused({ halving: true, base: { ...input, train: { ...input.train, steps: 3 } } }).toThrow(/too short/);
    await refused({ halving: true, base: { ...input, train: { ...input.train, steps: undefined } } }).toThrow(
      /set the steps/,
    );
    await refused({ plan: { kind: 'grid', vary: { seed: [1, 2] } } }).toThrow(/name the seeds of the study instead/);
    await refused({ plan: { kind: 'grid', vary: { colour: [1, 2] } } }).toThrow(/choose among rank, alpha, /);
    await refused({ plan: { kind: 'grid', vary: { lr: [1e-3, -1] } } }).toThrow(/^lr -1: /);
    await refused({ base: { ...input, method: { type: 'bitfit' } }, plan: { kind: 'targets' } }).toThrow(
      /needs a method with a rank/,
    );
    await expect(bench.api.studies.get({ id: 'study-x' })).rejects.toThrow(/There is no study/);
    expect([await bench.api.studies.list(), await bench.api.runs.list()]).toEqual([[], []]);
  });
});

describe('plans', () => {
  it('targets: ranks that make as many parameters, by r (in + out) of each matrix and two layers', async () => {
    const { bench } = trainingBench();
    const plan: StudyPlan = { kind: 'targets' };
    const { variants, invalid, notes, runs } = await bench.api.studies.preview({ base: await base(bench), plan });
    // q, o: 32 a rank and layer, k, v: 24, gate, up, down: 40; the base trains 2 * 4 * (32 + 24) = 448.
    expect(variants.map(({ label, parameters }) => [label, parameters])).toEqual([
      ['r = 7 on q', 448],
      ['r = 7 on o', 448],
      ['r = 4 on q, k', 448],
      ['r = 4 on q, v', 448],
      ['r = 2 on q, k, v, o', 448],
      ['r = 2 on gate, up, down', 480],
      ['r = 1 on q, k, v, o, gate, up, down', 464],
    ]);
    expect(variants[4]!.method).toMatchObject({ rank: 2, alpha: 4, targets: ['q', 'k', 'v', 'o'] });
    expect(invalid.map(({ label }) => label)).toEqual(['r = 9 on k', 'r = 9 on v']);
    expect(notes).toEqual([
      'Ranks are whole numbers, so that the variants train 448 to 480 parameters; the budget is 448.',
    ]);
    expect(runs).toBe(21);
  });

  it('ranks: those of the paper that fit', async () => {
    const { bench } = trainingBench();
    const { variants, invalid, notes } = await bench.api.studies.preview({
      base: await base(bench),
      plan: { kind: 'ranks' },
    });
    expect(variants.map(({ label }) => label)).toEqual(['r = 1', 'r = 2', 'r = 4', 'r = 8']);
    expect(invalid).toEqual([]);
    expect(notes[0]).toMatch(/takes ranks up to 8,/);
  });

  it('grid: every combination; alpha goes with the rank unless it is varied', async () => {
    const { bench } = trainingBench();
    const input = await base(bench);
    const of = async (vary: Record<string, unknown[]>) =>
      (await bench.api.studies.preview({ base: input, plan: { kind: 'grid', vary } })).variants;
    expect(await of({ rank: [2, 8], lr: [1e-3, 0.02] })).toMatchObject([
      { label: 'rank 2, lr 1e-3', method: { rank: 2, alpha: 4 }, train: { lr: 1e-3 } },
      { label: 'rank 2, lr 0.02', method: { rank: 2, alpha: 4 }, train: { lr: 0.02 } },
      { label: 'rank 8, lr 1e-3', method: { rank: 8, alpha: 16 }, train: { lr: 1e-3 } },
      { label: 'rank 8, lr 0.02', method: { rank: 8, alpha: 16 }, train: { lr: 0.02 } },
    ]);
    expect(await of({ rank: [2], alpha: [8, 32] })).toMatchObject([
      { method: { rank: 2, alpha: 8 } },
      { method: { rank: 2, alpha: 32 } },
    ]);
    expect((await of({ targets: [['q'], ['q', 'v']] })).map(({ label }) => label)).toEqual([
      'targets q',
      'targets q+v',
    ]);
  });
});

describe('halving', () => {
  // Ranks 1, 2, 4, 8 of which 1 leads after 2 of 8 steps, and 8 at the end.
  const lossOf: FakeTraining['lossOf'] = ({ method, train }, step) =>
    'rank' in method ? 1 + 0.01 * train.seed + (step <= 2 ? -0.1 / method.rank : step / 100 / method.rank) : 1;

  it('ends the worse half at each rung and says so in the log of the runs', async () => {
    const { bench } = trainingBench({ lossOf });
    const input = await base(bench, { steps: 8 });
    const plan: StudyPlan = { kind: 'ranks', ranks: [1, 2, 4, 8] };
    const { id } = await bench.api.studies.start({ base: input, plan, seeds: [0, 1], halving: true });
    const study = await bench.services.studies.finished(id);
    expect(study.spec.rungs).toEqual([2, 4]);
    expect(study.verdict).toMatch(/^r = 2 is what halving left, /);
    expect(study).toMatchObject({ rungsDone: 2, state: 'done', best: 1 });
    expect(study.variants.map(({ runs }) => runs.map(({ status, prunedStep }) => [status, prunedStep]))).toEqual([
      [
        ['stopped', 4],
        ['stopped', 4],
      ],
      [
        ['completed', null],
        ['completed', null],
      ],
      [
        ['stopped', 2],
        ['stopped', 2],
      ],
      [
        ['stopped', 2],
        ['stopped', 2],
      ],
    ]);
    const log = await bench.api.runs.log({ id: study.variants[3]!.runs[0]!.runId });
    expect(log.map(({ message }) => message)).toContain(
      "Ended by the study's halving: after step 2 its variant was among the 2 of 4 with the highest validation loss.",
    );
  });

  it('decides the same after a restart in the middle of a rung', async () => {
    let isHeld = true;
    const held: FakeTraining['holds'] = ({ method, train }) =>
      isHeld && train.seed === 1 && 'rank' in method && method.rank === 4;
    const { bench } = trainingBench({ lossOf, holds: held });
    const input = await base(bench, { steps: 8 });
    const plan: StudyPlan = { kind: 'ranks', ranks: [1, 2, 4, 8] };
    const { id } = await bench.api.studies.start({ base: input, plan, seeds: [0, 1], halving: true });
    await new Promise<void>((resolve) => {
      bench.services.runs.subscribeAll((event) => event.type === 'progress' && resolveWhen(event.id, resolve));
    });
    function resolveWhen(runId: string, resolve: () => void): void {
      const { method, train } = bench.services.runs.require(runId).spec;
      if (train.seed === 1 && 'rank' in method && method.rank === 4) resolve();
    }
    await bench.services.close();
    isHeld = false;
    await bench.reopen();
    const study = await bench.services.studies.finished(id);
    expect(study.variants.map(({ runs }) => runs.map(({ prunedStep }) => prunedStep))).toEqual([
      [4, 4],
      [null, null],
      [2, 2],
      [2, 2],
    ]);
    expect(study.variants[1]!.runs.map(({ status }) => status)).toEqual(['completed', 'completed']);
  });
});
