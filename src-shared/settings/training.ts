/** How a run trains, whatever the method: steps, batches, rates, and what watches over them. */
import { z } from 'zod';
import { usageError } from '../errors.ts';
import { defineSettings, schemaOf } from './setting.ts';

/**
 * Defaults are decided once, for wizard and command line alike (docs/decisions.md). A run keeps every value it was
 * started with, so a default may change; one of a setting that was added later may not, for runs of before lack the
 * setting and were trained with its default.
 */
export const TRAIN_SETTINGS = defineSettings({
  steps: {
    schema: z.number().int().min(1).optional(),
    label: 'Steps',
    help: 'Updates of the trained values; each sees one effective batch.',
    flag: 'steps',
    value: 'N',
    placeholder: 'as many as the epochs take',
  },
  epochs: {
    schema: z.number().positive().default(3),
    label: 'Epochs',
    help: 'Passes over the training rows, where no number of steps is set.',
    flag: 'epochs',
    value: 'X',
    usual: { from: 0.1, to: 50, below: 'most rows are never seen', above: 'the rows are learnt by heart' },
  },
  batch: {
    schema: z.number().int().min(1).default(8),
    label: 'Batch size',
    help: 'Rows computed at the same time; decides memory.',
    flag: 'batch',
    value: 'N',
  },
  accumulate: {
    schema: z.number().int().min(1).default(1),
    label: 'Gradient accumulation',
    help: 'Batches per step: a larger effective batch in the same memory.',
    flag: 'accumulate',
    value: 'N',
  },
  packing: {
    schema: z.boolean().default(false),
    label: 'Packing',
    help: 'Fills each batch with rows up to the tokens of a whole batch of the maximum length.',
    flag: 'packing',
  },
  bucketing: {
    schema: z.boolean().default(false),
    label: 'Bucketing',
    help: 'Puts rows of like length into one batch.',
    flag: 'bucketing',
  },
  lr: {
    schema: z.number().positive().default(2e-4),
    label: 'Learning rate',
    help:
      'Size of the updates. Too high and the loss jumps, too low and nothing is learnt; 2e-4 is usual for LoRA on ' +
      'real models.',
    flag: 'lr',
    value: 'X',
    usual: {
      from: 1e-6,
      to: 0.01,
      below: 'next to nothing is learnt',
      above: 'the loss usually jumps and the model forgets what it knew',
    },
  },
  schedule: {
    schema: z.enum(['linear', 'cosine', 'constant']).default('linear'),
    label: 'Schedule',
    help: 'How the learning rate falls over the run.',
    flag: 'schedule',
    value: 'NAME',
    choices: { linear: 'Linear to zero', cosine: 'Cosine to zero', constant: 'Constant' },
  },
  warmup: {
    schema: z.number().min(0).default(0.05),
    label: 'Warm-up',
    help:
      'The learning rate rises over this many steps first; below 1 it is a share of all steps. It ends a step before ' +
      'the run at the latest.',
    flag: 'warmup',
    value: 'X',
  },
  beta1: {
    schema: z.number().min(0).lt(1).default(0.9),
    label: 'Beta 1',
    help: 'Decay of the first moment of AdamW, the mean of the gradients.',
    flag: 'beta1',
    value: 'X',
  },
  beta2: {
    schema: z.number().min(0).lt(1).default(0.999),
    label: 'Beta 2',
    help: 'Decay of the second moment of AdamW, the mean of the squared gradients.',
    flag: 'beta2',
    value: 'X',
  },
  eps: {
    schema: z.number().positive().default(1e-8),
    label: 'Epsilon',
    help: 'Added to the root of the second moment, so that nothing is divided by zero.',
    flag: 'eps',
    value: 'X',
  },
  weightDecay: {
    schema: z.number().min(0).default(0.01),
    label: 'Weight decay',
    help: 'Pulls trained values towards zero (decoupled, as AdamW).',
    flag: 'weight-decay',
    value: 'X',
    usual: { from: 0, to: 0.3, below: '', above: 'it may pull the trained values to zero' },
  },
  weightDecayOn: {
    schema: z.enum(['all', 'matrices']).default('matrices'),
    label: 'Weight decay on',
    help: "What decays: all but biases and norm weights, as Hugging Face's Trainer, or those too.",
    flag: 'weight-decay-on',
    value: 'WHAT',
    choices: { matrices: 'Matrices', all: 'All values' },
  },
  clip: {
    schema: z.number().min(0).default(1),
    label: 'Gradient clipping',
    help: 'Largest norm of all gradients together; longer ones are shortened. 0: off.',
    flag: 'clip',
    value: 'X',
  },
  labelSmoothing: {
    schema: z.number().min(0).lt(1).default(0),
    label: 'Label smoothing',
    help: 'Share of the target spread over the whole vocabulary while training, against overconfidence.',
    flag: 'label-smoothing',
    value: 'X',
    usual: { from: 0, to: 0.3, below: '', above: 'the model learns to be unsure of everything' },
  },
  neftune: {
    schema: z.number().min(0).default(0),
    label: 'NEFTune noise',
    help: 'Size of the noise on the token embeddings while training; 5 is usual, 0 is off.',
    flag: 'neftune',
    value: 'X',
    usual: { from: 0, to: 15, below: '', above: 'the noise drowns the text' },
  },
  gradientCheckpointing: {
    schema: z.boolean().default(false),
    label: 'Gradient checkpointing',
    help: 'Computes each block again for its gradient: less memory, one more forward pass a step.',
    flag: 'gradient-checkpointing',
  },
  val: {
    schema: z.number().min(0).max(0.9).default(0.05),
    label: 'Validation share',
    help: 'Share of the rows kept out of training to measure on; 0.05 is one in twenty.',
    flag: 'val',
    value: 'X',
  },
  seed: {
    schema: z.number().int().default(0),
    label: 'Seed',
    help: 'Start of everything random: the same seed repeats the same run.',
    flag: 'seed',
    value: 'N',
  },
  evalEvery: {
    schema: z.number().int().min(0).default(0),
    label: 'Evaluate every',
    help: 'Steps between measurements on the validation rows; 0: only at the end.',
    flag: 'eval-every',
    value: 'N',
  },
  checkpointEvery: {
    schema: z.number().int().min(0).default(50),
    label: 'Checkpoint every',
    help: 'Steps between states from which a run can go on after a crash; 0: only at the end.',
    flag: 'checkpoint-every',
    value: 'N',
  },
  memoryLimitBytes: {
    schema: z.number().int().min(1).optional(),
    label: 'Memory limit',
    help:
      'Most memory the worker may take (on webgpu: its tensors on the card), in MiB; batches are halved where it ' +
      'runs out.',
    flag: 'memory-limit',
    value: 'MIB',
    unit: { name: 'MiB', size: 2 ** 20 },
    placeholder: 'what is free',
  },
  maxBadSteps: {
    schema: z.number().int().min(1).default(5),
    label: 'Bad steps',
    help: 'Steps in a row whose loss or gradient norm is not finite, each skipped, after which the run gives up.',
    flag: 'max-bad-steps',
    value: 'N',
  },
  patience: {
    schema: z.number().int().min(0).default(0),
    label: 'Patience',
    help: 'Early stopping: evaluations in a row without a better validation loss, after which the run ends; 0: never.',
    flag: 'patience',
    value: 'N',
  },
  minDelta: {
    schema: z.number().min(0).default(0),
    label: 'Minimum delta',
    help: 'How much lower the validation loss must be to count as better.',
    flag: 'min-delta',
    value: 'X',
  },
  keepBest: {
    schema: z.boolean().default(false),
    label: 'Keep best',
    help: 'Saves the values of the evaluation with the lowest validation loss, not the last ones.',
    flag: 'keep-best',
  },
  samplePrompts: {
    schema: z.array(z.string().trim().min(1).max(4000)).max(4).default([]),
    label: 'Sample prompts',
    help:
      'Prompts that the half-trained model answers before the first step, at each evaluation and at the end; at ' +
      'most 4.',
    flag: 'sample',
    value: 'PROMPT',
    repeatable: true,
  },
  sampleTokens: {
    schema: z.number().int().min(1).max(1024).default(48),
    label: 'Sample tokens',
    help: 'Most tokens written for each sample prompt.',
    flag: 'sample-tokens',
    value: 'N',
  },
});

export const trainSettingsSchema = schemaOf(TRAIN_SETTINGS);
export const TRAIN_DEFAULTS = trainSettingsSchema.parse({});
export type TrainSettings = z.infer<typeof trainSettingsSchema>;

/** Throws a usage error where settings contradict each other; `valRows`: rows kept for validation. */
export function checkTrainSettings({ patience, keepBest, evalEvery }: TrainSettings, valRows: number): void {
  const wants = patience > 0 ? 'Early stopping' : keepBest ? 'Keeping the best values' : null;
  if (wants && valRows === 0)
    throw usageError(
      'NO_VALIDATION',
      `${wants} needs validation rows, and this run keeps none; raise the share of rows for validation.`,
    );
  if (patience > 0 && evalEvery === 0)
    throw usageError(
      'NO_VALIDATION',
      'Early stopping needs evaluations during the run; say after how many steps each comes.',
      { patience, evalEvery },
    );
}
