/** Studies: one base run, variants of its settings, several seeds; each an ordinary run (docs/lab.md). */
import { z } from 'zod';
import { descriptorOf, type MethodSettings, type MethodType } from './methods/registry.ts';
import type { Settings } from './settings/setting.ts';
import { TRAIN_SETTINGS, type TrainSettings } from './settings/training.ts';

/** Ranks of the LoRA paper's table 6. */
export const USUAL_RANKS = [1, 2, 4, 8, 64];

/**
 * - `targets`: as many trained parameters in each variant, on other matrices (Hu et al. 2021, table 5); without a
 *   budget, as many as the base run trains;
 * - `ranks`: the base run at several ranks (table 6);
 * - `grid`: every combination of the values of settings of the method or of training, by the settings' names.
 */
export const studyPlanSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('targets'), budget: z.number().int().min(1).optional() }),
  z.object({ kind: z.literal('ranks'), ranks: z.array(z.number().int().min(1)).min(1).optional() }),
  z.object({ kind: z.literal('grid'), vary: z.record(z.string(), z.array(z.unknown()).min(1)) }),
]);
export type StudyPlan = z.infer<typeof studyPlanSchema>;

/** Settings with which runs could not be compared, or that change nothing that is compared; with the reason. */
export const NOT_VARIED: Record<string, string> = {
  seed: 'name the seeds of the study instead',
  val: 'the variants would be measured on different rows',
  evalEvery: 'more evaluations give more chances of a low loss',
  samplePrompts: 'it changes nothing that is measured',
};

/** The settings that a study can vary, by name. */
export function variableSettings(type: MethodType): Settings {
  const training = Object.entries(TRAIN_SETTINGS).filter(([name]) => !(name in NOT_VARIED));
  return { ...descriptorOf(type).settings, ...Object.fromEntries(training) };
}

/** How the settings of some runs of a study differ from its base run. */
export interface StudyVariant {
  /** `r = 4 on q, v`. */
  label: string;
  method: MethodSettings;
  train: Partial<TrainSettings>;
  /** That it trains. */
  parameters: number;
}

export interface PlannedVariants {
  variants: StudyVariant[];
  /** Those that the model does not take, with the reason. */
  invalid: { label: string; problem: string }[];
  /** What was chosen or rounded, in sentences. */
  notes: string[];
}

/** Values of several seeds; `sd`: sample standard deviation, null for fewer than two. */
export interface Spread {
  n: number;
  mean: number;
  sd: number | null;
}

/** Of pairs of runs with the same seed, and so the same rows in the same order. */
export interface PairedDifference extends Spread {
  /** Half the 95 % confidence interval of the mean (Student's t, n - 1 degrees of freedom); null for one pair. */
  halfWidth: number | null;
}

/** What a difference to the reference says; `undecided`: too few seeds, or too much spread. */
export type Relation = 'reference' | 'better' | 'as good' | 'worse' | 'undecided';

export interface Compared {
  loss: Spread | null;
  /** Its validation loss less that of the reference; null for the reference itself, and where a run is missing. */
  difference: PairedDifference | null;
  relation: Relation | null;
}
