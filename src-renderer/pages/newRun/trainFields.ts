/**
 * The numbers and switches of a schedule that most runs leave as they are: standard name, a sentence of help, limits.
 */
import type { Train } from './draft.ts';

type Keys<T> = { [K in keyof Train]-?: NonNullable<Train[K]> extends T ? K : never }[keyof Train];
export type NumberKey = Keys<number>;
export type SwitchKey = Keys<boolean>;

export interface NumberField {
  key: NumberKey;
  label: string;
  help: string;
  min?: number;
  max?: number;
  step?: 'any';
}

export interface SwitchField {
  key: SwitchKey;
  label: string;
  hint: string;
}

export interface FieldGroup {
  name: string;
  numbers: NumberField[];
  switches: SwitchField[];
}

export const GROUPS: FieldGroup[] = [
  {
    name: 'Validation and stopping',
    numbers: [
      {
        key: 'val',
        label: 'Validation share',
        min: 0,
        max: 0.9,
        step: 'any',
        help: 'Share of the rows kept out of training to measure on; 0.05 is one in twenty.',
      },
      {
        key: 'evalEvery',
        label: 'Evaluate every',
        min: 0,
        help: 'Steps between measurements on the validation rows; 0: only at the end.',
      },
      {
        key: 'checkpointEvery',
        label: 'Checkpoint every',
        min: 0,
        help: 'Steps between states from which a run can go on after a crash; 0: only at the end.',
      },
      {
        key: 'patience',
        label: 'Patience',
        min: 0,
        help:
          'Early stopping: evaluations in a row without a better validation loss, after which the run ends; 0: ' +
          'never.',
      },
      {
        key: 'minDelta',
        label: 'Minimum delta',
        min: 0,
        step: 'any',
        help: 'How much lower the validation loss must be to count as better.',
      },
    ],
    switches: [
      { key: 'keepBest', label: 'Keep best', hint: 'Save the values of the best evaluation, not the last ones.' },
    ],
  },
  {
    name: 'Regularisation',
    numbers: [
      {
        key: 'weightDecay',
        label: 'Weight decay',
        min: 0,
        step: 'any',
        help: 'Pulls trained values towards zero (decoupled, as AdamW).',
      },
      {
        key: 'clip',
        label: 'Gradient clipping',
        min: 0,
        step: 'any',
        help: 'Largest norm of all gradients together; longer ones are shortened. 0: off.',
      },
      {
        key: 'labelSmoothing',
        label: 'Label smoothing',
        min: 0,
        max: 0.99,
        step: 'any',
        help: 'Share of the target spread over the whole vocabulary, against overconfidence.',
      },
      {
        key: 'neftune',
        label: 'NEFTune noise',
        min: 0,
        step: 'any',
        help: 'Noise on the token embeddings while training; 5 is usual, 0 is off.',
      },
    ],
    switches: [],
  },
  {
    name: 'Memory and speed',
    numbers: [],
    switches: [
      {
        key: 'gradientCheckpointing',
        label: 'Gradient checkpointing',
        hint: 'Computes each block again for its gradient: much less memory, about a third slower.',
      },
      { key: 'packing', label: 'Packing', hint: 'Fills each batch with as many rows as have room.' },
      { key: 'bucketing', label: 'Bucketing', hint: 'Puts rows of like length into one batch.' },
    ],
  },
];
