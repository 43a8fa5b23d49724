/** Three ways to train, from what is known of data and model: a first look, the usual, and with patience. */
import { TRAIN_DEFAULTS } from '../../../src-shared/settings/training.ts';
import { startingLr } from './startingLr.ts';

export const PRESETS = ['quick', 'balanced', 'thorough'] as const;
export type Preset = (typeof PRESETS)[number];

export const PRESET_TEXTS: Record<Preset, { name: string; line: string }> = {
  quick: { name: 'Quick', line: 'A first look: at most 60 steps.' },
  balanced: { name: 'Balanced', line: 'Three passes over the data, with warm-up.' },
  thorough: { name: 'Thorough', line: 'Up to eight passes; ends when validation stops improving and keeps the best.' },
};

export interface PresetInput {
  /** Rows of the dataset. */
  rows: number;
  /** Of a usual row; undefined while they are not counted. */
  tokensPerRow: number | undefined;
  /** Of the base model. */
  parameters: number;
}

export interface PresetSettings {
  steps: number | undefined;
  epochs: number | undefined;
  batch: number;
  accumulate: number;
  lr: number;
  schedule: 'linear' | 'cosine' | 'constant';
  warmup: number;
  val: number;
  evalEvery: number;
  checkpointEvery: number;
  patience: number;
  keepBest: boolean;
}

const EPOCHS: Record<Preset, number> = { quick: 1, balanced: TRAIN_DEFAULTS.epochs, thorough: 8 };
const QUICK_STEPS = 60;
/** Tokens of a micro-batch that models of about a billion parameters still take in their stride. */
const MICRO_BATCH_TOKENS = 4096;
const LARGE_PARAMETERS = 1e9;

/** A pure function of its input: the same data and model give the same settings. */
export function presetSettings(preset: Preset, input: PresetInput): PresetSettings {
  const { batch, accumulate } = batchFor(input);
  const val = input.rows < 40 ? 2 * TRAIN_DEFAULTS.val : TRAIN_DEFAULTS.val;
  const perEpoch = Math.max(1, Math.ceil((input.rows * (1 - val)) / (batch * accumulate)));
  const total = preset === 'quick' ? Math.min(QUICK_STEPS, perEpoch) : perEpoch * EPOCHS[preset];
  const evaluations = preset === 'quick' ? 3 : preset === 'balanced' ? 6 : 16;
  return {
    steps: preset === 'quick' ? total : undefined,
    epochs: preset === 'quick' ? undefined : EPOCHS[preset],
    batch,
    accumulate,
    lr: startingLr(input.parameters),
    schedule: preset === 'thorough' ? 'cosine' : TRAIN_DEFAULTS.schedule,
    warmup: preset === 'quick' ? 0 : TRAIN_DEFAULTS.warmup,
    val,
    evalEvery: Math.max(1, Math.round(total / evaluations)),
    checkpointEvery: Math.min(200, Math.max(10, Math.round(total / 5))),
    patience: preset === 'thorough' ? 4 : 0,
    keepBest: preset === 'thorough',
  };
}

/** Rows per step by the size of the data; for a large model or long rows in several smaller batches. */
function batchFor({ rows, tokensPerRow = 128, parameters }: PresetInput): { batch: number; accumulate: number } {
  const usual = TRAIN_DEFAULTS.batch;
  const effective = rows < 100 ? usual / 2 : rows < 5000 ? usual : 2 * usual;
  const tokens = parameters < LARGE_PARAMETERS ? MICRO_BATCH_TOKENS : MICRO_BATCH_TOKENS / 4;
  const most = Math.max(1, Math.floor(tokens / Math.max(1, tokensPerRow)));
  let batch = effective;
  while (batch > most) batch /= 2;
  return { batch, accumulate: effective / batch };
}
