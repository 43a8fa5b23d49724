/** Runs on a real Slurm: an array of them, with tasks killed, requeued and cancelled, and Graft closed between. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { slurmNote, startSlurm, type Slurm } from '../../../test-support/rigs/slurm.ts';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { until } from '../../../test-support/rigs/tinyJob.ts';
import { readState } from '../../jobs/state.ts';
import { startStudySchema } from '../studies/input.ts';
import type { RunView } from '../runs/view.ts';

const note = await slurmNote();
const TIMING = { lookMs: 300, patienceMs: 3000 };
const LIMIT_MS = 240_000;
/** Enough that there is time to do something to a run. */
const STEPS = 250;

describe.skipIf(note !== '')(`runs on Slurm${note}`, { timeout: LIMIT_MS }, () => {
  let slurm: Slurm;
  beforeAll(async () => {
    slurm = await startSlurm();
    process.env['SLURM_CONF'] = slurm.env.SLURM_CONF;
  }, LIMIT_MS);
  afterAll(async () => {
    delete process.env['SLURM_CONF'];
    await slurm?.stop();
  });

  function bench(): TestBench {
    const opened = openBench({ away: { timing: TIMING } });
    onTestFinished(() => opened.close());
    opened.services.catalog.targets.save({
      kind: 'slurm',
      name: 'lab',
      workDir: path.join(opened.dir, 'work folder "of" $(touch nobody)'),
      processes: 1,
      mpirun: 'mpirun',
      options: {},
    });
    return opened;
  }

  const losses = ({ services }: TestBench, id: string): number[] =>
    services.catalog.metrics.after(id, 0).map(({ loss }) => loss);

  it('a run is trained there, told live, and its adapter is the one that is trained here', async () => {
    const opened = bench();
    const input = await smallRun(opened, { steps: 12 });
    const here = await opened.services.runs.start(input);
    const there = await opened.services.runs.start({ ...input, target: 'lab', taskName: 'it\'s; rm -rf "$HOME"' });
    expect(there).toMatchObject({ status: 'queued', away: { target: 'lab', phase: 'sending' } });
    const statuses: string[] = [];
    opened.services.runs.subscribe(there.id, (event) => event.type === 'status' && statuses.push(event.run.status));
    const local = await opened.services.runs.finished(here.id);
    const away = await opened.services.runs.finished(there.id);
    expect(away.error).toBeNull();
    expect(losses(opened, away.id)).toEqual(losses(opened, local.id));
    expect(away.result!.sha256).toBe(local.result!.sha256);
    expect(
      opened.services.catalog.adapters
        .list()
        .map(({ runId }) => runId)
        .sort(),
    ).toEqual([here.id, there.id].sort());
    expect(statuses).toContain('running');
  });

  it('an array: tasks killed, requeued, cancelled, a node gone, Graft closed; each run ends here once', async () => {
    const opened = bench();
    const steps = { steps: STEPS, checkpointEvery: 20, evalEvery: STEPS };
    const base = await smallRun(opened, steps);
    const plan = { kind: 'grid', vary: { lr: [1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3] } } as const;
    const { id: studyId } = await opened.services.studies.start(
      startStudySchema.parse({ base, plan, seeds: [0], target: 'lab' }),
    );
    const runs = (): RunView[] =>
      opened.services.catalog.studies.runs(studyId).map(({ runId }) => opened.services.runs.require(runId));
    const ids = runs().map(({ id }) => id);
    const under = (): RunView[] =>
      runs().filter(({ status, away }) => status === 'running' && away?.phase === 'running');
    const stepOf = (id: string): number => losses(opened, id).length;

    // All of them are one job of Slurm's.
    await until(() => under().length === 2 && under().every(({ id }) => stepOf(id) > 25), LIMIT_MS);
    expect(new Set(runs().map(({ away }) => away!.slurmJob)).size).toBe(1);
    expect(
      runs()
        .map(({ away }) => away!.arrayTask)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4, 5]);
    const [first, second] = under() as [RunView, RunView];

    // One task's process is killed, the other task is begun anew by Slurm.
    process.kill(pidOf(opened, first), 'SIGKILL');
    slurmProgram('scontrol', 'requeue', `${second.away!.slurmJob}_${second.away!.arrayTask}`);

    // Graft is closed and opened again meanwhile.
    await opened.reopen();

    // A third is cancelled on the cluster, behind Graft's back.
    await until(() => under().some(({ id }) => id !== first.id && id !== second.id && stepOf(id) > 25), LIMIT_MS);
    const third = under().find(({ id }) => id !== first.id && id !== second.id)!;
    slurmProgram('scancel', `${third.away!.slurmJob}_${third.away!.arrayTask}`);
    await until(() => runs().find(({ id }) => id === third.id)!.status === 'failed', LIMIT_MS);
    expect(opened.services.runs.require(third.id)).toMatchObject({
      error: { code: 'AWAY_ENDED' },
      resumable: true,
      away: { phase: 'failed' },
    });

    // A node's daemon is away for a while.
    await slurm.stopNode('n1');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await slurm.startNode('n1');

    opened.services.runs.resume(third.id);
    await until(() => runs().every(({ status }) => status === 'completed'), LIMIT_MS);
    expect(runs().map(({ id }) => id)).toEqual(ids);
    const adapters = opened.services.catalog.adapters.list().map(({ runId }) => runId);
    expect(adapters.sort()).toEqual(ids.toSorted());
    expect(
      opened.services.runHistory
        .log({ id: first.id, after: 0 })
        .map(({ message }) => message)
        .join('\n'),
    ).toContain('begun again');

    // The same runs here.
    for (const { id, spec, result } of runs()) {
      const local = await opened.services.runs.start({
        ...base,
        train: { ...base.train, lr: spec.train.lr, seed: 0, samplePrompts: [] },
      });
      const ended = await opened.services.runs.finished(local.id);
      expect(losses(opened, id)).toEqual(losses(opened, local.id));
      expect(result!.sha256).toBe(ended.result!.sha256);
    }
  });
});

/** The process that trains the run, as its job says. */
function pidOf({ services }: TestBench, { id }: RunView): number {
  const { jobDir } = services.catalog.away.get(id)!;
  return readState(jobDir)!.pid;
}

function slurmProgram(...argv: [string, ...string[]]): void {
  execFileSync(argv[0], argv.slice(1));
}
