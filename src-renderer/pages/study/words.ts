/** What the numbers of a study say in words, the same in its table and its plot. */
import type { StudyView } from '../../lib/api.ts';
import { formatFixed, formatLoss } from '../../lib/format.ts';
import { statusWord } from '../../lib/statusWords.ts';

export type Variant = StudyView['variants'][number];

/** `0.004 ± 0.010`, with the half of the 95 % confidence interval where there is one. */
export function differenceText({ difference }: Variant): string {
  if (!difference) return '–';
  const sign = difference.mean > 0 ? '+' : '';
  const mean = `${sign}${formatFixed(difference.mean, 4)}`;
  return difference.halfWidth === null ? mean : `${mean} ± ${formatFixed(difference.halfWidth, 4)}`;
}

// @wc-include
const RELATIONS = {
  reference: 'reference',
  better: 'better',
  'as good': 'as good',
  worse: 'worse',
  undecided: 'undecided',
};

/** The state of a variant in a word or two. */
export function relationText({ relation, runs }: Variant): string {
  if (relation) return RELATIONS[relation];
  const pruned = runs.find(({ prunedStep }) => prunedStep !== null)?.prunedStep;
  if (pruned) return `pruned at step ${pruned}`;
  if (runs.some(({ status }) => status === 'failed')) return statusWord('failed');
  const isOver = runs.every(({ status }) => status === 'completed');
  // @wc-include
  return isOver ? 'not compared' : 'incomplete';
}

export const TONES = {
  reference: 'plain',
  better: 'good',
  'as good': 'good',
  worse: 'bad',
  undecided: 'info',
} as const;

/** `r = 4: mean 1.0800, sd 0.0040; seed 0 1.0800, seed 1 1.0840`. */
export function variantText({ label, loss, runs }: Variant): string {
  const seeds = runs.flatMap(({ seed, valLoss }) => (valLoss === null ? [] : [`seed ${seed} ${formatLoss(valLoss)}`]));
  if (seeds.length === 0) return `${label}: no validation loss yet`;
  const mean = loss ? `mean ${formatLoss(loss.mean)}${loss.sd === null ? '' : `, sd ${formatLoss(loss.sd)}`}; ` : '';
  return `${label}: ${mean}${seeds.join(', ')}`;
}
