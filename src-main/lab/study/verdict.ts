/** A study's result in one sentence. The rule behind its words is in docs/decisions.md. */
import { counted } from '../../../src-shared/plural.ts';
import type { Compared, PairedDifference } from '../../../src-shared/studies.ts';
import { bestOf, compareVariants, MARGIN, type Losses } from './compare.ts';

export interface Judged {
  label: string;
  /** Trained parameters. */
  parameters: number;
  losses: Losses;
  /** Ended early by halving. */
  isPruned?: boolean;
}

/** A variant counts as smaller from this share of the other's parameters down: budgets are met by rounded ranks. */
const SMALLER = 0.95;

/** Null where no variant has a run that ended well for each seed. */
export function verdictOf(variants: Judged[], seeds: number): string | null {
  const losses = variants.map((variant) => variant.losses);
  const best = bestOf(losses, seeds);
  if (best === null) return null;
  const others = compareVariants(losses, seeds, best).flatMap((compared, i) =>
    compared.difference ? [{ ...variants[i]!, ...compared, difference: compared.difference }] : [],
  );
  const winner = variants[best]!;
  const mean = [...winner.losses.values()].reduce((sum, loss) => sum + loss, 0) / seeds;
  if (others.length === 0) return alone(winner, mean, variants);
  const smaller = others
    .filter(({ relation, parameters }) => relation === 'as good' && parameters <= SMALLER * winner.parameters)
    .sort((a, b) => a.parameters - b.parameters || a.difference.mean - b.difference.mean)[0];
  if (smaller)
    return (
      `${smaller.label} is as good as ${winner.label}, at ${shareWords(smaller.parameters / winner.parameters)} of ` +
      `the size; difference ${differenceText(smaller.difference)} over ${counted(seeds, 'seed')}.`
    );
  const next = others.reduce((a, b) => (b.difference.mean < a.difference.mean ? b : a));
  if (seeds === 1)
    return (
      `${winner.label} has the lowest validation loss, ${mean.toFixed(3)}, the next, ${next.label}, ` +
      `${(mean + next.difference.mean).toFixed(3)}; with one seed that may be chance, so run more seeds.`
    );
  const over = counted(seeds, 'seed');
  return `${winner.label} has the lowest validation loss, ${mean.toFixed(3)}; ${rest(others, next, over)}.`;
}

function alone({ label }: Judged, mean: number, variants: Judged[]): string {
  return variants.some(({ isPruned }) => isPruned)
    ? `${label} is what halving left, with a validation loss of ${mean.toFixed(3)}; by how much the others would ` +
        'have been worse is open.'
    : `Only ${label} has a run for each seed that ended well, so there is nothing to compare it with.`;
}

type Other = Compared & { label: string; difference: PairedDifference };

/** Each clause is written whole, so that a translation finds its values again. */
function rest(others: Other[], next: Other, seeds: string): string {
  const labels = (relation: Compared['relation']): string[] =>
    others.filter((other) => other.relation === relation).map(({ label }) => label);
  const [equal, open] = [labels('as good'), labels('undecided')];
  if (equal.length + open.length === 0) {
    const by = differenceText(next.difference);
    return others.length === 1
      ? `${next.label} is worse, by ${by} over ${seeds}`
      : `all others are worse, the next, ${next.label}, by ${by} over ${seeds}`;
  }
  return [...(equal.length ? [asGood(equal, seeds)] : []), ...(open.length ? [unclear(open, others, seeds)] : [])].join(
    '; ',
  );
}

function asGood(labels: string[], seeds: string): string {
  return labels.length === 1
    ? `${listed(labels)} is as good (within ${100 * MARGIN} % over ${seeds})`
    : `${listed(labels)} are as good (within ${100 * MARGIN} % over ${seeds})`;
}

function unclear(labels: string[], others: Other[], seeds: string): string {
  const by = differenceText(nearest(others).difference);
  return labels.length === 1
    ? `whether ${listed(labels)} is worse is open (${by} over ${seeds}), more seeds would tell`
    : `whether ${listed(labels)} are worse is open (at best ${by} over ${seeds}), more seeds would tell`;
}

function nearest(others: Other[]): Other {
  return others
    .filter(({ relation }) => relation === 'undecided')
    .reduce((a, b) => (b.difference.mean < a.difference.mean ? b : a));
}

/** `a`, `a and b`, `a, b and 3 others`. */
function listed(labels: string[]): string {
  const shown = labels.length > 3 ? [...labels.slice(0, 2), `${labels.length - 2} others`] : labels;
  return shown.length === 1 ? shown[0]! : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** `0.004 ± 0.010`, the 95 % confidence interval. */
export function differenceText({ mean, halfWidth }: PairedDifference): string {
  return halfWidth === null ? mean.toFixed(3) : `${mean.toFixed(3)} ± ${halfWidth.toFixed(3)}`;
}

// @wc-include
const SHARES: [number, string][] = [
  [1 / 2, 'half'],
  [1 / 3, 'a third'],
  [1 / 4, 'a quarter'],
  [1 / 8, 'an eighth'],
];

function shareWords(share: number): string {
  const word = SHARES.find(([value]) => Math.abs(share - value) < 0.03 * value)?.[1];
  return word ?? `${(100 * share).toPrecision(2)} %`;
}
