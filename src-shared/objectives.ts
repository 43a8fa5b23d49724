/**
 * What a run learns from: answers as they stand (supervised, where no objective is named), or choices between answers.
 * Settings, words and what each needs; the losses are in src-main/engine/train/preference.
 */
import { z } from 'zod';
import { defineSettings, schemaOf, type Settings } from './settings/setting.ts';

const BETA = {
  label: 'Beta',
  flag: 'beta',
  value: 'X',
} as const;

/** cDPO (Mitchell 2023): the share of pairs whose choice is taken for the wrong way round. */
const PAIR_SMOOTHING = {
  schema: z.number().min(0).lt(0.5).default(0),
  label: 'Flipped pairs',
  help: 'Share of pairs that may be the wrong way round (label smoothing), for choices that are noisy.',
  flag: 'pair-smoothing',
  value: 'X',
} as const;

const DPO = defineSettings({
  beta: {
    ...BETA,
    schema: z.number().positive().default(0.1),
    help: 'How dearly the model pays for leaving the reference; a smaller one lets it go further.',
    usual: { from: 0.01, to: 1, below: 'the answers may fall apart', above: 'hardly anything changes' },
  },
  loss: {
    schema: z.enum(['sigmoid', 'ipo']).default('sigmoid'),
    label: 'Loss',
    help: 'sigmoid is the loss of the DPO paper; ipo aims at a fixed margin, so that clear choices are not overdone.',
    flag: 'dpo-loss',
    value: 'NAME',
    choices: { sigmoid: 'Sigmoid (DPO)', ipo: 'Squared (IPO)' },
  },
  labelSmoothing: PAIR_SMOOTHING,
});

const ORPO = defineSettings({
  lambda: {
    schema: z.number().positive().default(0.1),
    label: 'Lambda',
    help: 'Weight of the odds ratio beside the usual loss on the chosen answer.',
    flag: 'lambda',
    value: 'X',
    usual: { from: 0.01, to: 1, below: 'the choices hardly count', above: 'the answers may fall apart' },
  },
  lossOn: {
    schema: z.enum(['all', 'completion']).default('completion'),
    label: 'Usual loss on',
    help: 'Tokens of the chosen row that the usual loss is on; the paper has the answer, TRL the prompt as well.',
    flag: 'orpo-loss-on',
    value: 'WHAT',
    choices: { completion: 'Completion only', all: 'All tokens' },
  },
});

const SIMPO = defineSettings({
  beta: {
    ...BETA,
    schema: z.number().positive().default(2),
    help: 'Scale of the difference of the mean log-probabilities; 2 to 2.5 is usual.',
    usual: { from: 0.5, to: 10, below: 'hardly anything is learnt', above: 'the answers may fall apart' },
  },
  gamma: {
    schema: z.number().min(0).default(0.5),
    label: 'Margin',
    help: 'By how much the chosen answer is to be ahead (gamma).',
    flag: 'gamma',
    value: 'X',
    usual: { from: 0, to: 5, below: '', above: 'the answers may fall apart' },
  },
  labelSmoothing: PAIR_SMOOTHING,
});

const WEIGHT = z.number().min(0).default(1);

const KTO = defineSettings({
  beta: DPO.beta,
  desirableWeight: {
    schema: WEIGHT,
    label: 'Weight of good answers',
    help: 'Raise it where good answers are rare: weight times number should be 1 to 1.33 times that of bad ones.',
    flag: 'good-weight',
    value: 'X',
  },
  undesirableWeight: {
    schema: WEIGHT,
    label: 'Weight of bad answers',
    help: 'Raise it where bad answers are rare.',
    flag: 'bad-weight',
    value: 'X',
  },
  referencePoint: {
    schema: z.enum(['kl', 'zero']).default('kl'),
    label: 'Reference point',
    help:
      'What an answer is measured from: how far the model has left the reference on answers to other questions, or 0 ' +
      '(APO-zero), which saves a pass.',
    flag: 'reference-point',
    value: 'NAME',
    choices: { kl: 'Distance from the reference', zero: 'Zero' },
  },
});

/** In the order of lists. `paired`: learns from pairs of answers to the same prompt, else from marked single ones. */
export const OBJECTIVES = {
  dpo: {
    name: 'DPO',
    line: 'Of two answers the chosen one becomes likelier, measured against the model before: the usual choice.',
    settings: DPO,
    paired: true,
    hasReference: true,
    source: 'arXiv:2305.18290',
  },
  orpo: {
    name: 'ORPO',
    line: 'Learns the chosen answer and turns away from the rejected one at once, without a run before.',
    settings: ORPO,
    paired: true,
    hasReference: false,
    source: 'arXiv:2403.07691',
  },
  simpo: {
    name: 'SimPO',
    line: 'As DPO by the mean over tokens, with a margin and nothing to compare with: less memory, fewer long answers.',
    settings: SIMPO,
    paired: true,
    hasReference: false,
    source: 'arXiv:2405.14734',
  },
  kto: {
    name: 'KTO',
    line: 'Learns from single answers with a thumb up or down; pairs are taken apart.',
    settings: KTO,
    paired: false,
    hasReference: true,
    source: 'arXiv:2402.01306',
  },
} as const satisfies Record<
  string,
  { name: string; line: string; settings: Settings; paired: boolean; hasReference: boolean; source: string }
>;

export type ObjectiveType = keyof typeof OBJECTIVES;
export const OBJECTIVE_TYPES = Object.keys(OBJECTIVES) as ObjectiveType[];

const dpoSchema = schemaOf(DPO).extend({ type: z.literal('dpo') });
const orpoSchema = schemaOf(ORPO).extend({ type: z.literal('orpo') });
const simpoSchema = schemaOf(SIMPO).extend({ type: z.literal('simpo') });
const ktoSchema = schemaOf(KTO).extend({ type: z.literal('kto') });

export const objectiveSchema = z
  .discriminatedUnion('type', [dpoSchema, orpoSchema, simpoSchema, ktoSchema])
  .refine(
    ({ type, ...rest }) => !(type === 'dpo' && 'loss' in rest && rest.loss === 'ipo' && rest.labelSmoothing > 0),
    {
      message: 'IPO knows no flipped pairs; set that share to 0',
      path: ['labelSmoothing'],
    },
  );
export type Objective = z.output<typeof objectiveSchema>;
export type DpoObjective = z.output<typeof dpoSchema>;
export type SimpoObjective = z.output<typeof simpoSchema>;
export type KtoObjective = z.output<typeof ktoSchema>;

export function isPaired({ type }: Pick<Objective, 'type'>): boolean {
  return OBJECTIVES[type].paired;
}

export function hasReference({ type }: Pick<Objective, 'type'>): boolean {
  return OBJECTIVES[type].hasReference;
}

/** Answers that a row of a run has computed at once. */
export function answersPerRow(objective: Objective | undefined): number {
  return objective && isPaired(objective) ? 2 : 1;
}

/** `DPO`, `IPO`: in a few words, for lists. */
export function objectiveName(objective: Objective): string {
  return objective.type === 'dpo' && objective.loss === 'ipo' ? 'IPO' : OBJECTIVES[objective.type].name;
}

/**
 * What the choices of a batch or of the validation rows come to. Rewards are beta times what log-probability a whole
 * answer has gained against the reference; without a reference beta (ORPO: lambda) times its mean log-probability.
 */
export interface PreferenceScores {
  /** Mean reward of chosen (KTO: good) and of rejected (bad) answers; null where there are none. */
  chosenReward: number | null;
  rejectedReward: number | null;
  /** Mean of the first less the second. */
  margin: number | null;
  /** Share of pairs whose chosen answer has the higher reward; KTO: of answers right of the reference point. */
  accuracy: number;
  /** KTO with a reference point from data: mean log-probability ratio of answers to other questions, at least 0. */
  kl?: number;
}

/** `right on 93 % of the choices, margin 1.2041`. */
export function preferenceText({ accuracy, margin, kl }: PreferenceScores): string {
  const ahead = margin === null ? '' : `, margin ${margin.toFixed(4)}`;
  const away = kl === undefined ? '' : `, KL ${kl.toFixed(4)}`;
  return `right on ${Math.round(100 * accuracy)} % of the choices${ahead}${away}`;
}
