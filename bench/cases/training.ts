/** The race of optimiser steps that `step-*`, `real` and `grow` share: set up alike, validate, then time. */
import fs from 'node:fs';
import path from 'node:path';
import type { Target } from '../../src-main/engine/model/architecture.ts';
import { graftCommand, torchCommands, type Context } from '../lib/context.ts';
import { benchFolder, ensureModel, type Shape } from '../lib/models.ts';
import { withPeers, type Peer } from '../lib/peer.ts';
import { makeRow, peakOf, race, type Row, type Work } from '../lib/result.ts';
import type { Example, GraftSetup, Setup, SetupAnswer, StepAnswer } from '../peers/protocol.ts';

/** Largest difference of two losses that counts as the same step. */
const LOSS_TOLERANCE = 1e-3;
/** Steps on one batch before timing; the last loss is the one after three updates. They also warm up. */
const CHECK_STEPS = 4;
/** High enough that three updates change the loss by far more than the tolerance. */
const TRAIN: Setup['train'] = { lr: 5e-3, clip: 1, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 };

export interface TrainingRace {
  variant: string;
  shape: Shape;
  targets: Target[];
  /** One sample is one step on each of these batches. */
  batches: Example[][];
  work: Work;
  rounds: number;
}

export async function raceTraining(context: Context, plan: TrainingRace): Promise<{ rows: Row[]; notes: string[] }> {
  const modelDir = await ensureModel(plan.shape);
  const initFile = `init-${process.pid}.safetensors`;
  try {
    return await raceFrom(context, plan, modelDir, initFile);
  } finally {
    fs.rmSync(path.join(benchFolder(), initFile), { force: true });
  }
}

async function raceFrom(context: Context, plan: TrainingRace, modelDir: string, initFile: string): Promise<{ rows: Row[]; notes: string[] }> {
  return withPeers([graftCommand(context), ...torchCommands(context)], async (peers) => {
    const setup: GraftSetup = { modelDir, initFile, rank: 8, alpha: 16, targets: plan.targets, train: TRAIN };
    const trainable = await setUpAll(peers, setup);
    const note = await validate(peers, plan.batches[0]!);
    context.say(`${plan.variant}: ${trainable} trainable; ${note}`);
    if (context.profile) await profile(peers[0]!, plan.batches[0]!, context);
    const samples = await race(context, peers, plan.rounds, (peer) => timeBatches(peer, plan.batches));
    const rows: Row[] = [];
    for (const peer of peers) rows.push(makeRow(plan.variant, peer.name, samples.get(peer.name)!, plan.work, await peakOf(peer)));
    return { rows, notes: [`${plan.variant}: ${trainable} trainable parameters; ${note}.`] };
  });
}

/** Graft first, for it writes the initial values that the rivals read. Returns the number of trainable parameters. */
async function setUpAll(peers: Peer[], { targets, ...shared }: GraftSetup): Promise<number> {
  const [graft, ...rivals] = peers as [Peer, ...Peer[]];
  const { trainable } = await graft.ask<SetupAnswer>('setup', { ...shared, targets });
  for (const rival of rivals) {
    const other = await rival.ask<SetupAnswer>('setup', shared);
    if (other.trainable !== trainable) throw new Error(`${rival.name} trains ${other.trainable} parameters, Graft ${trainable}: not the same work, no time is reported`);
  }
  return trainable;
}

/** The same losses before any update and after each of three, or no time is reported. */
async function validate(peers: Peer[], batch: Example[]): Promise<string> {
  const losses = new Map<string, number[]>();
  for (const peer of peers) {
    const series: number[] = [];
    for (let i = 0; i < CHECK_STEPS; i++) series.push((await peer.ask<StepAnswer>('step', { examples: batch })).loss);
    losses.set(peer.name, series);
  }
  const [graft, ...rivals] = [...losses.values()] as [number[], ...number[][]];
  const show = (series: number[]): string => series.map((loss) => loss.toFixed(5)).join(' ');
  const apart = Math.max(0, ...rivals.flatMap((series) => series.map((loss, i) => Math.abs(loss - graft[i]!))));
  if (!(apart <= LOSS_TOLERANCE) || !graft.every(Number.isFinite)) {
    throw new Error(`losses differ, no time is reported: ${[...losses].map(([name, series]) => `${name} ${show(series)}`).join('; ')}`);
  }
  const verdict = rivals.length ? `, all systems within ${apart.toExponential(1)}` : '';
  return `loss ${graft[0]!.toFixed(4)} before, ${graft.at(-1)!.toFixed(4)} after 3 steps${verdict}`;
}

async function timeBatches(peer: Peer, batches: Example[][]): Promise<number> {
  let ms = 0;
  for (const examples of batches) ms += (await peer.ask<StepAnswer>('step', { examples })).ms;
  return ms;
}

async function profile(graft: Peer, examples: Example[], { say }: Context): Promise<void> {
  const { rows, wallMs } = await graft.ask<{ rows: { kernel: string; shapes: string; calls: number; selfMs: number }[]; wallMs: number }>('profile', { examples });
  const inKernels = rows.reduce((sum, { selfMs }) => sum + selfMs, 0);
  say(`one step: ${wallMs.toFixed(0)} ms, of which ${inKernels.toFixed(0)} ms in kernels`);
  say('      ms  share  calls  kernel  input shapes');
  for (const { kernel, shapes, calls, selfMs } of rows.slice(0, 40)) {
    say(`${selfMs.toFixed(1).padStart(8)}  ${((100 * selfMs) / wallMs).toFixed(1).padStart(4)}%  ${String(calls).padStart(5)}  ${kernel}  ${shapes}`);
  }
}
