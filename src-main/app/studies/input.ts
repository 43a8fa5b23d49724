/** What a caller says to start a study, and the runs that it comes to. */
import { z } from 'zod';
import type { StudySpec } from '../../catalog/studies.ts';
import { rungsOf } from '../../lab/study/halving.ts';
import { counted } from '../../../src-shared/plural.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { studyPlanSchema, type PlannedVariants } from '../../../src-shared/studies.ts';
import { trainSettingsSchema, type TrainSettings } from '../../../src-shared/settings/training.ts';
import { nameSchema } from '../inputs.ts';
import { look } from '../looking/look.ts';
import { findParts, startRunSchema, targetOf, type Registered } from '../runs/input.ts';

export const startStudySchema = z.object({
  /** The run that the variants start from. */
  base: startRunSchema.omit({ target: true }),
  /** Name of the target that trains the runs; absent or `local`: this machine. */
  target: z.string().optional(),
  plan: studyPlanSchema,
  /** Each decides the start values, which rows validate and the order of the others. */
  seeds: z.array(z.number().int()).min(1).max(50).default([0, 1, 2]),
  /** Prune by successive halving. */
  halving: z.boolean().default(false),
  /** Leave out what the model does not take, instead of refusing the study. */
  skipInvalid: z.boolean().default(false),
  name: nameSchema.optional(),
});
export type StartStudy = z.input<typeof startStudySchema>;
export type StartStudyChecked = z.output<typeof startStudySchema>;

export interface StudyPreview extends PlannedVariants {
  /** How many runs the study has. */
  runs: number;
  rungs: number[];
}

export interface PreparedStudy {
  spec: StudySpec;
  invalid: PlannedVariants['invalid'];
  /** Of each variant, but for the seed. */
  train: TrainSettings[];
}

/**
 * Throws a usage error NO_VALIDATION where there would be nothing to compare by, STUDY_PLAN, STUDY_TOO_SHORT, or what
 * the start of the base run would throw.
 */
export async function prepareStudy(registered: Registered, input: StartStudyChecked): Promise<PreparedStudy> {
  const { base, plan } = input;
  const { model, dataset } = findParts(registered, base);
  refuseWithoutValidation(base.train.val, dataset.rows);
  const halving = input.halving ? halvingOf(base.train, plan.kind === 'grid' ? Object.keys(plan.vary) : []) : null;
  const evaluations = halving ? { evalEvery: halving.evalEvery } : {};
  // Sample texts would take longer than many a run of a study, and nobody compares by them.
  if (halving && targetOf(input) !== undefined)
    throw usageError(
      'STUDY_PLAN',
      'Halving lets runs wait for one another, which jobs on a target do not; leave it out, or train the study here.',
      { target: input.target },
    );
  const settings = { method: base.method, train: { ...base.train, ...evaluations, samplePrompts: [] } };
  const { variants, invalid, notes } = await look('planVariants', [model.dir, settings, plan]);
  const seeds = [...new Set(input.seeds)];
  return {
    spec: { plan, variants, seeds, rungs: halving?.rungs ?? [], notes },
    invalid,
    train: variants.map((variant) => trainSettingsSchema.parse({ ...settings.train, ...variant.train })),
  };
}

/** Throws a usage error STUDY_INVALID for variants that the model does not take, and for fewer than two. */
export function refuseInvalid({ spec, invalid }: PreparedStudy, skipInvalid: boolean): void {
  const said = invalid.map(({ label, problem }) => `${label}: ${problem}`).join(' ');
  if (invalid.length > 0 && !skipInvalid)
    throw usageError(
      'STUDY_INVALID',
      `${counted(invalid.length, 'variant')} of ${spec.variants.length + invalid.length} cannot be trained. ${said} ` +
        'Correct the values, or leave these out (--skip-invalid).',
      { invalid },
    );
  if (spec.variants.length < 2)
    throw usageError(
      'STUDY_INVALID',
      `A study compares at least two variants, and this one has ${spec.variants.length}; give more values.` +
        (said ? ` Left out: ${said}` : ''),
      { invalid },
    );
}

function refuseWithoutValidation(share: number, rows: number): void {
  if (share > 0 && rows >= 2) return;
  throw usageError(
    'NO_VALIDATION',
    'A study compares validation losses, and these runs would keep no rows to validate on; raise the share of rows ' +
      'for validation.',
    { share, rows },
  );
}

function halvingOf({ steps, evalEvery }: TrainSettings, varied: string[]): { rungs: number[]; evalEvery: number } {
  if (varied.some((name) => name === 'steps' || name === 'epochs') || steps === undefined)
    throw usageError(
      'STUDY_PLAN',
      'Halving ends variants after a quarter and half of the steps, so that all need the same number of them; set ' +
        'the steps and do not vary them.',
    );
  const rungs = rungsOf(steps, evalEvery);
  if (rungs) return rungs;
  throw new GraftError(
    'STUDY_TOO_SHORT',
    `Runs of ${counted(steps, 'step')} are too short for halving; take 4 steps or more.`,
    { steps },
  );
}
