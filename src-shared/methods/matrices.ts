/** The settings that methods on chosen matrices share, and their words. */
import { z } from 'zod';
import { everyTarget, TARGETS } from '../targets.ts';
import {
  layersText,
  sum,
  type MethodSettingTable,
  type ModelShape,
  type TargetSettings,
  type Trainable,
} from './method.ts';

/** Which matrices. Absent targets: those that are usual for the method; a run that is set up names them. */
export const TARGET_SETTINGS = {
  targets: {
    schema: z.array(z.enum(TARGETS)).min(1).optional(),
    label: 'Target modules',
    help: `Matrices to adapt, out of ${TARGETS.join(', ')}.`,
    flag: 'targets',
    value: 'A,B',
    place: 'grid',
    placeholder: 'all linear layers',
  },
  layers: {
    schema: z.array(z.number().int().min(0)).min(1).optional(),
    label: 'Layers',
    help: 'Layers that take part, such as 0,1 or 6-11.',
    flag: 'layers',
    value: 'LIST',
    place: 'grid',
    placeholder: 'all',
    form: 'layers counted from 0, such as 0,1 or 6-11',
  },
  exclude: {
    schema: z.array(z.string()).min(1).optional(),
    label: 'Left out',
    help: 'Single matrices left out, such as 0.q,3.v.',
    flag: 'exclude',
    value: 'LIST',
    place: 'grid',
  },
} as const satisfies MethodSettingTable;

export const RANK_SETTING = {
  schema: z.number().int().default(8),
  label: 'Rank',
  help: 'Rank of the update; more can learn more and takes more memory, 8 to 16 is usual.',
  flag: 'rank',
  value: 'N',
  place: 'fields',
} as const;

export const ALPHA_SETTING = {
  schema: z.number().positive().default(16),
  label: 'Alpha',
  help: 'The update is scaled by alpha / rank, or alpha / √rank where rank-stabilised; twice the rank is usual.',
  flag: 'alpha',
  value: 'X',
  place: 'fields',
} as const;

/** Every linear layer of the model (docs/methods.md says why). */
export const ALL_LINEAR = {
  usual: ({ targets }: { targets: readonly string[] }): string[] => everyTarget(targets),
  nothingElse: (): boolean => true,
};

/** `q v`, `layers 1 2`, `without 1.v`. */
export function targetsText({ targets, layers, exclude }: TargetSettings): string[] {
  return [
    ...(targets ? [targets.join(' ')] : []),
    ...layersText(layers),
    ...(exclude ? [`without ${exclude.join(' ')}`] : []),
  ];
}

export function lowRankText(settings: TargetSettings & { rank: number; alpha: number }): string[] {
  return [`rank ${settings.rank}`, `alpha ${settings.alpha}`, ...targetsText(settings)];
}

/** `times` pairs of r(in + out) per matrix: one for LoRA, two for LoHa. */
export function pairsOf(matrices: ModelShape['matrices'], times: 1 | 2): Trainable {
  const count = times * sum(matrices.map(({ rank, inFeatures, outFeatures }) => rank * (inFeatures + outFeatures)));
  const [first] = matrices;
  const [r, d] = [first?.rank, first?.inFeatures];
  const isSquare = matrices.every(
    ({ rank, inFeatures, outFeatures }) => rank === r && inFeatures === d && outFeatures === d,
  );
  if (isSquare) return { count, formula: `${2 * times}·L·d_model·r = ${2 * times}·${matrices.length}·${d}·${r}` };
  return { count, formula: `${times === 2 ? '2·' : ''}r·(in + out), summed over ${matrices.length} matrices` };
}
