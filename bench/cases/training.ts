/** The race of optimiser steps that `step-*`, `real`, `full` and `grow` share: set up alike, validate, then time. */
import fs from 'node:fs';
import path from 'node:path';
import type { Target } from '../../src-shared/targets.ts';
import { graftCommand, torchTrainers, type Context } from '../lib/context.ts';
import { architectureFromConfig } from '../../src-main/engine/model/architecture.ts';
import { trainingFlops } from '../lib/flops.ts';
import { benchFolder, configOf, ensureModel, type Shape } from '../lib/models.ts';
import { withPeers, type Peer } from '../lib/peer.ts';
import type { Profile } from '../lib/profile.ts';
import { profileText } from '../lib/profileText.ts';
import { makeRow, peakOf, race, type Row, type Work } from '../lib/result.ts';
import { labelledTokens } from '../lib/workload.ts';
import type {
  Example,
  GraftSetup,
  HelloAnswer,
  SavedAnswer,
  Setup,
  SetupAnswer,
  StepAnswer,
} from '../peers/protocol.ts';

/** Steps on one batch before timing; the last loss is the one after three updates. They also warm up. */
const CHECK_STEPS = 4;
/** High enough that three updates change the loss by far more than the tolerance. */
export const LORA_TRAIN: Setup['train'] = { lr: 5e-3, clip: 1, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 };
/** AdamW's first updates are near lr whatever the gradient: a whole model would jump far at LoRA's rate. */
const FULL_TRAIN: Setup['train'] = { ...LORA_TRAIN, lr: 1e-4 };

export interface TrainingRace {
  variant: string;
  shape: Shape;
  /** `lora` unless told. */
  method?: Setup['method'];
  targets: Target[];
  /** One sample is one step on each of these batches. */
  batches: Example[][];
  work: Work;
  rounds: number;
  /** Steps before timing, 2 at least; `CHECK_STEPS` unless told. */
  checkSteps?: number;
  /** Activations of a block are computed again for its gradient. */
  recompute?: boolean;
  /** Also what Graft leaves on disk. */
  save?: boolean;
}

export interface TrainingResult {
  rows: Row[];
  notes: string[];
  /** Of every system alike. */
  trainable: number;
  saved: SavedAnswer | null;
}

export async function raceTraining(context: Context, plan: TrainingRace): Promise<TrainingResult> {
  const modelDir = await ensureModel(plan.shape);
  const initFile = `init-${process.pid}.safetensors`;
  try {
    return await withPeers([graftCommand(context), ...torchTrainers(context)], (peers) =>
      raceAmong(context, plan, peers, { modelDir, initFile }),
    );
  } finally {
    fs.rmSync(path.join(benchFolder(), initFile), { force: true });
  }
}

async function raceAmong(
  context: Context,
  plan: TrainingRace,
  peers: Peer[],
  files: Pick<Setup, 'modelDir' | 'initFile'>,
): Promise<TrainingResult> {
  const { method = 'lora', targets, variant, batches, rounds, checkSteps = CHECK_STEPS } = plan;
  const trainable = await setUpAll(peers, {
    ...files,
    base: context.base,
    embedding: 'f32',
    method,
    recompute: plan.recompute ?? false,
    rank: 8,
    alpha: 16,
    targets,
    train: method === 'full' ? FULL_TRAIN : LORA_TRAIN,
  });
  const note = await validate(peers, batches[0]!, checkSteps);
  const systems = await systemsOf(peers);
  context.say(`${variant}: ${trainable} trainable; ${note}`);
  if (context.profile)
    context.say(
      profileText(
        'one step',
        await peers[0]!.ask<Profile>('profile', { work: 'step', request: { examples: batches[0]! } }),
      ),
    );
  const samples = await race(context, peers, rounds, (peer) => timeBatches(peer, batches));
  const rows: Row[] = [];
  const work = { ...plan.work, flops: flopsOf(plan, trainable) };
  for (const peer of peers) rows.push(makeRow(variant, peer.name, samples.get(peer.name)!, work, await peakOf(peer)));
  // after the peaks, for saving has one of its own
  const saved = plan.save ? await peers[0]!.ask<SavedAnswer>('save') : null;
  return {
    rows,
    notes: [
      `${variant}: ${trainable} trainable parameters; ${note}. ` +
        `${systems}${context.base === 'f32' ? '' : ` Graft keeps frozen linear layers as ${context.base}.`}`,
    ],
    trainable,
    saved,
  };
}

/** Graft first, for it writes the initial values that the rivals read. Returns the number of trainable parameters. */
async function setUpAll(peers: Peer[], { targets, base, embedding, ...shared }: GraftSetup): Promise<number> {
  const [graft, ...rivals] = peers as [Peer, ...Peer[]];
  const { trainable } = await graft.ask<SetupAnswer>('setup', { ...shared, targets, base, embedding });
  const others = await Promise.all(
    rivals.map(async (rival) => ({ rival, answer: await rival.ask<SetupAnswer>('setup', shared) })),
  );
  for (const { rival, answer } of others) {
    if (answer.trainable !== trainable)
      throw new Error(
        `${rival.name} trains ${answer.trainable} parameters, Graft ${trainable}: not the same work, no time ` +
          'is reported',
      );
  }
  return trainable;
}

/** The same losses before any update and after each of the others, or no time is reported. */
async function validate(peers: Peer[], batch: Example[], steps: number): Promise<string> {
  const losses = new Map<string, number[]>();
  for (const peer of peers) {
    const series: number[] = [];
    for (let i = 0; i < steps; i++) series.push((await peer.ask<StepAnswer>('step', { examples: batch })).loss);
    losses.set(peer.name, series);
  }
  const graft = losses.get(peers[0]!.name)!;
  const show = (series: number[]): string => series.map((loss) => loss.toFixed(5)).join(' ');
  const distances = peers.slice(1).map((peer) => ({ peer, apart: largestDifference(losses.get(peer.name)!, graft) }));
  if (!graft.every(Number.isFinite) || distances.some(({ peer, apart }) => !(apart <= peer.lossTolerance))) {
    throw new Error(
      'losses differ, no time is reported: ' +
        `${[...losses].map(([name, series]) => `${name} ${show(series)}`).join('; ')}`,
    );
  }
  const verdict = distances.map(({ peer, apart }) => `, ${peer.name} within ${apart.toExponential(1)}`).join('');
  return `loss ${graft[0]!.toFixed(4)} before, ${graft.at(-1)!.toFixed(4)} after ${steps - 1} steps${verdict}`;
}

function flopsOf({ shape, method = 'lora', batches }: TrainingRace, trainable: number): number {
  const spec = architectureFromConfig(configOf(shape));
  const ofBatch = (examples: Example[]): number =>
    trainingFlops(spec, method, {
      lengths: examples.map(({ ids }) => ids.length),
      predicted: labelledTokens(examples),
      trainable,
    });
  return batches.reduce((sum, batch) => sum + ofBatch(batch), 0);
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

async function systemsOf(peers: Peer[]): Promise<string> {
  const versions: string[] = [];
  for (const peer of peers) versions.push((await peer.ask<HelloAnswer>('hello')).version);
  return `${versions.join('; ')}.`;
}

async function timeBatches(peer: Peer, batches: Example[][]): Promise<number> {
  let ms = 0;
  for (const examples of batches) ms += (await peer.ask<StepAnswer>('step', { examples })).ms;
  return ms;
}
