/**
 * A model as judge (Zheng et al. 2023, "Judging LLM-as-a-Judge"): it is shown a question and two answers and says which
 * is better, twice, with the answers swapped, since models prefer a place (section 3.4). Only what it says both times
 * is its choice.
 */
import type { Choice, JudgedPair, JudgeReport, PairOdds } from '../../src-shared/judge.ts';
import { counted } from '../../src-shared/plural.ts';
import { winRate } from './winRate.ts';

/** What is put to the judge; it answers A or B. */
export function judgeQuestion(
  { prompt, references }: Pick<JudgedPair, 'prompt' | 'references'>,
  [a, b]: readonly [string, string],
  rubric: string,
): string {
  const known = references.length > 0 ? `Right would be, for example: ${references[0]!.trim()}\n\n` : '';
  return (
    `${rubric}\n\nQuestion: ${prompt.trim()}\n\n${known}Answer A: ${a.trim()}\n\nAnswer B: ${b.trim()}\n\n` +
    'Which answer is better, A or B? Reply with the letter alone.'
  );
}

/** `odds` as PairOdds has them; equal odds decide nothing. */
export function choiceOf([asA, asB]: readonly [number, number]): Choice {
  // With the first answer in the place of B a positive number speaks for the second.
  if (asA > 0 && asB < 0) return 'first';
  return asA < 0 && asB > 0 ? 'second' : 'undecided';
}

/** Choices below which nobody can tell a judge from a coin. */
const LEAST_CHOICES = 10;
/** How probable a coin may be to agree as often. */
const COIN = 0.05;

/** `own`: what it chooses where the user has chosen the first answer. */
export function judgeReport(
  judged: readonly PairOdds[],
  own: readonly PairOdds[],
): Omit<JudgeReport, 'judge' | 'rubric'> {
  const chosen = judged.map((pair) => ('odds' in pair ? choiceOf(pair.odds) : null));
  const count = (wanted: Choice | null): number => chosen.filter((one) => one === wanted).length;
  const [wins, losses] = [count('second'), count('first')];
  const choices = own.flatMap((pair) => ('odds' in pair ? [choiceOf(pair.odds)] : []));
  const agreement = {
    choices: choices.length,
    same: choices.filter((one) => one === 'first').length,
    other: choices.filter((one) => one === 'second').length,
    undecided: choices.filter((one) => one === 'undecided').length,
  };
  return {
    wins,
    losses,
    undecided: count('undecided'),
    problems: count(null),
    winRate: winRate(wins, losses),
    agreement,
    trust: trustIn(agreement),
    chosen,
  };
}

function trustIn({ choices, same, other, undecided }: JudgeReport['agreement']): JudgeReport['trust'] {
  const decided = same + other;
  if (choices === 0)
    return {
      enough: false,
      text:
        'You have made no choices in the playground, so nobody knows whether this judge chooses as you do; make ' +
        `${LEAST_CHOICES} or more first.`,
    };
  const said =
    `It chooses as you do on ${same} of ${counted(decided, ['choice', 'choices'])} that it decides, and cannot ` +
    `decide ${undecided}`;
  if (decided < LEAST_CHOICES)
    return { enough: false, text: `${said}: too few to go by; make more choices in the playground.` };
  return coinTail(same, decided) <= COIN
    ? { enough: true, text: `${said}.` }
    : { enough: false, text: `${said}: a coin could do as well, so its word is worth nothing here.` };
}

/** Probability that a fair coin agrees at least `same` times of `decided` (the binomial test, one-sided). */
function coinTail(same: number, decided: number): number {
  let term = 0.5 ** decided; // of no agreement
  let tail = same === 0 ? term : 0;
  for (let k = 1; k <= decided; k++) {
    term *= (decided - k + 1) / k;
    if (k >= same) tail += term;
  }
  return tail;
}
