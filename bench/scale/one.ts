/**
 * A process of a measured run: `mpirun -np N node one.ts REQUEST`. The first writes a line of JSON: what its steps
 * took, and how many cores it kept busy meanwhile.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { joinRanks } from '../../src-main/mpi/join.ts';
import { CallControl } from '../../src-main/worker/control.ts';
import { leaveRanks } from '../../src-main/worker/train/team.ts';
import { train } from '../../src-main/worker/train/train.ts';
import { runSpecSchema } from '../../src-shared/runSpec.ts';
import type { Target } from '../../src-shared/targets.ts';

export interface RunRequest {
  modelDir: string;
  data: string;
  batch: number;
  rank: number;
  targets: Target[];
  steps: number;
  /** Steps that are not counted: what the first ones set up stays. */
  warmup: number;
}

export interface RunAnswer {
  /** Of each counted step. */
  stepMs: number[];
  /** Of this process, over all counted steps. */
  cores: number;
  losses: number[];
  trainable: number;
}

const request = JSON.parse(process.argv[2]!) as RunRequest;
const ranks = await joinRanks();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-scale-'));
try {
  const answer = await measured(folder);
  if ((ranks?.rank ?? 0) === 0) process.stdout.write(`${JSON.stringify(answer)}\n`);
  if (ranks) leaveRanks(ranks);
} catch (error) {
  console.error(error);
  if (ranks) leaveRanks(ranks, error);
  process.exitCode = 1;
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}

async function measured(dir: string): Promise<RunAnswer> {
  const { modelDir, data, batch, rank, targets, steps, warmup } = request;
  const base = openBaseModel(modelDir);
  base.close();
  const runDir = path.join(dir, 'run');
  fs.mkdirSync(runDir);
  const spec = runSpecSchema.parse({
    runId: 'scale',
    engine: 'tensorflow',
    model: { dir: modelDir, hash: base.hash },
    data: { file: data, maxLength: 128 },
    task: 'scale',
    method: { type: 'lora', rank, alpha: 2 * rank, targets },
    train: { steps: steps + warmup, batch, lr: 1e-4, warmup: 0, val: 0, seed: 1, checkpointEvery: 0, evalEvery: 0 },
    runDir,
    outDir: path.join(dir, 'out'),
  });
  const stepMs: number[] = [];
  const losses: number[] = [];
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  let [begunMs, begunCpuMs] = [0, 0];
  let cores = NaN;
  const result = await train(
    spec,
    false,
    (event) => {
      if (event.type !== 'step') return;
      losses.push(event.loss);
      if (event.step === warmup) [begunMs, begunCpuMs] = [performance.now(), cpuMs()];
      if (event.step <= warmup) return;
      stepMs.push(event.elapsedMs);
      cores = (cpuMs() - begunCpuMs) / (performance.now() - begunMs);
    },
    new CallControl(),
    ranks,
  );
  return { stepMs, cores, losses, trainable: result.trainableParameters };
}
