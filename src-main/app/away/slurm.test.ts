/** Runs on a real Slurm: an array of them, with tasks that are killed, requeued and cancelled, and Graft closed between. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { slurmNote, startSlurm, type Slurm } from '../../../test-support/rigs/slurm.ts';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { until } from '../../../test-support/rigs/tinyJob.ts';
import type { RunView } from '../runs/view.ts';

const note = await slurmNote();
const TIMING = { lookMs: 300, patienceMs: 3000 };
const LIMIT_MS = 240_000;

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
    const there = await opened.services.runs.start({ ...input, target: 'lab', taskName: "it's; rm -rf \"$HOME\"" });
    expect(there).toMatchObject({ status: 'queued', away: { target: 'lab', phase: 'sending' } });
    const statuses: string[] = [];
    opened.services.runs.subscribe(there.id, (event) => event.type === 'status' && statuses.push(event.run.status));
    const [local, away] = await Promise.all([here, there].map(({ id }) => opened.services.runs.finished(id)));
    expect(away.error).toBeNull();
    expect(losses(opened, away.id)).toEqual(losses(opened, local.id));
    expect(away.result!.sha256).toBe(local.result!.sha256);
    expect(opened.services.catalog.adapters.list().map(({ runId }) => runId).sort()).toEqual([here.id, there.id].sort());
    expect(statuses).toContain('running');
  });
});
export { execFileSync, until, type RunView };
