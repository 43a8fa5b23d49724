/** The settings of a schedule that most runs leave as they are, in groups. */
import type { TRAIN_SETTINGS } from '../../../src-shared/settings/training.ts';

export type TrainKey = keyof typeof TRAIN_SETTINGS;

export interface FieldGroup {
  name: string;
  fields: readonly TrainKey[];
  switches: readonly TrainKey[];
}

export const GROUPS: readonly FieldGroup[] = [
  {
    name: 'Validation and stopping',
    fields: ['val', 'evalEvery', 'checkpointEvery', 'patience', 'minDelta'],
    switches: ['keepBest'],
  },
  { name: 'Regularisation', fields: ['weightDecay', 'clip', 'labelSmoothing', 'neftune'], switches: [] },
  {
    name: 'Memory and speed',
    fields: ['memoryLimitBytes'],
    switches: ['gradientCheckpointing', 'packing', 'bucketing'],
  },
];
