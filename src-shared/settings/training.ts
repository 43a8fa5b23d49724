/** How a run trains, whatever the method: steps, batches, rates, and what watches over them. */
import { z } from 'zod';
import { usageError } from '../errors.ts';

export const trainSettingsSchema = z.object({
  /** Optimiser steps; when absent, `epochs` decides. */
  steps: z.number().int().min(1).optional(),
  epochs: z.number().positive().default(1),
  batch: z.number().int().min(1).default(4),
  accumulate: z.number().int().min(1).default(1),
  /** Fill each batch with rows up to the tokens of `batch` rows of the greatest length. */
  packing: z.boolean().default(false),
  /** Put rows of like length into one batch. */
  bucketing: z.boolean().default(false),
  lr: z.number().positive().default(2e-4),
  schedule: z.enum(['linear', 'cosine', 'constant']).default('linear'),
  /** Warm-up: steps if >= 1, share of all steps if below 1. */
  warmup: z.number().min(0).default(0),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  eps: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0.01),
  /** `matrices`: not biases and norm weights, as Hugging Face's Trainer. */
  weightDecayOn: z.enum(['all', 'matrices']).default('matrices'),
  /** Largest global gradient norm; 0 turns clipping off. */
  clip: z.number().min(0).default(1),
  /** Share of the target that is spread over the whole vocabulary, in training only; 0: none. */
  labelSmoothing: z.number().min(0).lt(1).default(0),
  /** Size alpha of NEFTune's noise on the token embeddings, in training only; 0: none. */
  neftune: z.number().min(0).default(0),
  /**
   * Compute each block again for its gradient instead of keeping its activations: less memory, about a third slower.
   */
  gradientCheckpointing: z.boolean().default(false),
  /** Share of the rows kept for validation. */
  val: z.number().min(0).max(0.9).default(0.05),
  seed: z.number().int().default(0),
  /** Steps between evaluations and between checkpoints; 0: only at the end. */
  evalEvery: z.number().int().min(0).default(0),
  checkpointEvery: z.number().int().min(0).default(50),
  /**
   * Most memory of the worker process (on webgpu: of its tensors on the card); absent: most of the machine's (the
   * card's own limit).
   */
  memoryLimitBytes: z.number().int().min(1).optional(),
  /** Steps in a row with a loss or gradient norm that is not finite, each skipped, after which the run gives up. */
  maxBadSteps: z.number().int().min(1).default(5),
  /**
   * Evaluations in a row that do not lower the best validation loss by more than `minDelta`, after which the run ends;
   * 0: never.
   */
  patience: z.number().int().min(0).default(0),
  minDelta: z.number().min(0).default(0),
  /** Save the values of the evaluation with the lowest validation loss instead of the last ones. */
  keepBest: z.boolean().default(false),
  /** Prompts that the half-trained model continues before the first step, at each evaluation and at the end. */
  samplePrompts: z.array(z.string().trim().min(1).max(4000)).max(4).default([]),
  /** Most tokens of each such text. */
  sampleTokens: z.number().int().min(1).max(1024).default(48),
});
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
