/** The options of `train` that say how a run trains, whatever the method. */
import { trainSettingsSchema } from '../../../src-shared/workerCalls.ts';
import type { TrainSettings } from '../../../src-shared/workerCalls.ts';
import type { Args, Options } from './args.ts';

export const TRAIN_OPTIONS: Options = {
  steps: { type: 'string', value: 'N', help: 'optimiser steps' },
  epochs: { type: 'string', value: 'X', help: 'passes over the data, where --steps is absent (1)' },
  batch: { type: 'string', value: 'N', help: 'examples per batch (4)' },
  accumulate: { type: 'string', value: 'N', help: 'batches per optimiser step (1)' },
  packing: { type: 'boolean', help: 'fill each batch up to the tokens of --batch rows of --max-length' },
  bucketing: { type: 'boolean', help: 'put rows of like length into one batch' },
  lr: { type: 'string', value: 'X', help: 'learning rate (2e-4)' },
  schedule: { type: 'string', value: 'NAME', help: 'linear, cosine or constant (linear)' },
  warmup: { type: 'string', value: 'X', help: 'steps, or below 1 a share of all steps (0)' },
  beta1: { type: 'string', value: 'X', help: 'decay of the first moment (0.9)' },
  beta2: { type: 'string', value: 'X', help: 'decay of the second moment (0.999)' },
  eps: { type: 'string', value: 'X', help: 'added to the root of the second moment (1e-8)' },
  'weight-decay': { type: 'string', value: 'X', help: 'decoupled weight decay (0.01)' },
  'weight-decay-on': {
    type: 'string',
    value: 'WHAT',
    help: 'matrices, or all to decay biases and norms too (matrices)',
  },
  clip: { type: 'string', value: 'X', help: 'largest global gradient norm, 0 for none (1)' },
  'label-smoothing': { type: 'string', value: 'X', help: 'share of the target spread over the vocabulary (0)' },
  neftune: {
    type: 'string',
    value: 'X',
    help: 'size of the noise on the embeddings (NEFTune, 5 is usual), 0 for none (0)',
  },
  'gradient-checkpointing': { type: 'boolean', help: 'compute each block again for its gradient: less memory, slower' },
  val: { type: 'string', value: 'X', help: 'share of the rows kept for validation (0.05)' },
  seed: { type: 'string', value: 'N', help: 'seed of everything random (0)' },
  'eval-every': { type: 'string', value: 'N', help: 'steps between evaluations, 0 for the end only (0)' },
  'checkpoint-every': { type: 'string', value: 'N', help: 'steps between checkpoints, 0 for none (50)' },
  'memory-limit': {
    type: 'string',
    value: 'MIB',
    help: 'most memory to use; batches are halved where it runs out (95 % of the machine)',
  },
  'max-bad-steps': {
    type: 'string',
    value: 'N',
    help: 'skipped steps in a row (loss not finite) that end the run (5)',
  },
  patience: {
    type: 'string',
    value: 'N',
    help: 'evaluations without a lower validation loss that end the run, 0 for never (0)',
  },
  'min-delta': { type: 'string', value: 'X', help: 'how much lower counts as lower, for --patience (0)' },
  sample: {
    type: 'string',
    multiple: true,
    value: 'PROMPT',
    help: 'a prompt to continue at each evaluation, to read what has been learnt (repeatable, at most 4)',
  },
  'sample-tokens': { type: 'string', value: 'N', help: 'most tokens of such a text (48)' },
  'keep-best': { type: 'boolean', help: 'save the values of the best evaluation, not the last ones' },
};

export function readTrain(args: Args): TrainSettings {
  const limitMib = args.integer('memory-limit');
  return trainSettingsSchema.parse({
    steps: args.integer('steps'),
    epochs: args.number('epochs'),
    batch: args.integer('batch'),
    accumulate: args.integer('accumulate'),
    packing: args.flag('packing'),
    bucketing: args.flag('bucketing'),
    lr: args.number('lr'),
    schedule: args.choice('schedule', ['linear', 'cosine', 'constant']),
    warmup: args.number('warmup'),
    beta1: args.number('beta1'),
    beta2: args.number('beta2'),
    eps: args.number('eps'),
    weightDecay: args.number('weight-decay'),
    weightDecayOn: args.choice('weight-decay-on', ['matrices', 'all']),
    clip: args.number('clip'),
    labelSmoothing: args.number('label-smoothing'),
    neftune: args.number('neftune'),
    gradientCheckpointing: args.flag('gradient-checkpointing'),
    val: args.number('val'),
    seed: args.integer('seed'),
    evalEvery: args.integer('eval-every'),
    checkpointEvery: args.integer('checkpoint-every'),
    memoryLimitBytes: limitMib === undefined ? undefined : limitMib * 2 ** 20,
    maxBadSteps: args.integer('max-bad-steps'),
    patience: args.integer('patience'),
    minDelta: args.number('min-delta'),
    keepBest: args.flag('keep-best'),
    samplePrompts: args.texts('sample'),
    sampleTokens: args.integer('sample-tokens'),
  });
}
