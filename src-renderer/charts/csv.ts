/** All series of a run as CSV, one line a step, every number as exact as it was recorded. */
import type { SeriesStore } from './seriesStore.ts';

const HEAD = [
  'step',
  'train_loss',
  'train_loss_smoothed',
  'validation_loss',
  'learning_rate',
  'gradient_norm',
  'tokens_per_second',
  'memory_bytes',
  'elapsed_ms',
];
const SCORES = ['chosenReward', 'rejectedReward', 'accuracy', 'kl'] as const;
const SCORE_HEAD = ['chosen_reward', 'rejected_reward', 'accuracy', 'kl'];

/** Every step with a training or validation loss has a line; missing values are empty. */
export function seriesCsv(store: SeriesStore): string {
  const { step, columns, smoothed, evaluations, choices } = store;
  const trained = step.values;
  const validated = evaluations.step.values;
  const isOfChoices = !choices.isEmpty;
  const validation = SCORE_HEAD.map((name) => `validation_${name}`);
  const lines = [[...HEAD, ...(isOfChoices ? [...SCORE_HEAD, ...validation] : [])].join(',')];
  let i = 0;
  let j = 0;
  while (i < trained.length || j < validated.length) {
    const at = Math.min(trained[i] ?? Infinity, validated[j] ?? Infinity);
    const row = trained[i] === at ? i++ : -1;
    const evaluation = validated[j] === at ? j++ : -1;
    const valLoss = evaluations.valLoss.values[evaluation];
    const cells = [
      columns.loss,
      smoothed,
      undefined,
      columns.lr,
      columns.gradNorm,
      columns.tokensPerSecond,
      columns.memoryBytes,
      columns.elapsedMs,
    ].map((column) => (column === undefined ? cell(valLoss) : cell(column.values[row])));
    const scores = isOfChoices
      ? [
          ...SCORES.map((name) => cell(choices.raw[name].values[row])),
          ...SCORES.map((name) => cell(choices.evaluations[name].values[evaluation])),
        ]
      : [];
    lines.push([at, ...cells, ...scores].join(','));
  }
  return `${lines.join('\n')}\n`;
}

function cell(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '' : String(value);
}
