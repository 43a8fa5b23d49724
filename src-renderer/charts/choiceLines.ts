/** Which lines the charts of a run that learns from choices have. */
import { formatShare, formatSmall } from '../lib/format.ts';
import type { ScoreName } from './choiceSeries.ts';
import type { ChartLine } from './line.ts';
import type { SeriesStore } from './seriesStore.ts';
import type { StepPlaces } from './xAxis.ts';

export interface ChoiceChart {
  title: string;
  /** Where the title is too long for the axis. */
  yTitle?: string;
  lines: ChartLine[];
  format: (value: number) => string;
}

interface Wanted {
  score: ScoreName;
  label: string;
  validation: string;
  colour: string;
}

const OWN = '--chart-smooth';
const OTHER = '--chart-compare-1';

const REWARDS: readonly Wanted[] = [
  { score: 'chosenReward', label: 'Chosen', validation: 'Chosen, validation', colour: OWN },
  { score: 'rejectedReward', label: 'Rejected', validation: 'Rejected, validation', colour: OTHER },
];
/** Of answers that are not pairs. */
const MARKED: readonly Wanted[] = [
  { score: 'chosenReward', label: 'Good', validation: 'Good, validation', colour: OWN },
  { score: 'rejectedReward', label: 'Bad', validation: 'Bad, validation', colour: OTHER },
];

const OTHERS: readonly (Omit<ChoiceChart, 'lines'> & { scores: readonly Wanted[] })[] = [
  {
    title: 'Margin',
    format: formatSmall,
    scores: [{ score: 'margin', label: 'Train', validation: 'Validation', colour: OWN }],
  },
  {
    title: 'Accuracy',
    format: (value) => formatShare(value),
    scores: [{ score: 'accuracy', label: 'Train', validation: 'Validation', colour: OWN }],
  },
  {
    title: 'KL from the reference',
    yTitle: 'KL',
    format: formatSmall,
    scores: [{ score: 'kl', label: 'Train', validation: 'Validation', colour: OWN }],
  },
];

/** Smoothed as the loss is, with the evaluations as points; none where a run learns answers as they stand. */
export function choiceCharts(
  { choices, evaluations }: SeriesStore,
  places: StepPlaces,
  isPaired: boolean,
): ChoiceChart[] {
  if (choices.isEmpty) return [];
  const evaluated = places.of(evaluations.step.values);
  const rewards = { title: 'Rewards', format: formatSmall, scores: isPaired ? REWARDS : MARKED };
  const others = choices.hasKl ? OTHERS : OTHERS.filter(({ scores }) => scores[0]!.score !== 'kl');
  return [rewards, ...others].map(({ scores, ...chart }) => ({
    ...chart,
    lines: scores.flatMap(({ score, label, validation, colour }): ChartLine[] => {
      const values = choices.evaluations[score].values;
      return [
        { label, colour, look: 'smooth', steps: places.trained, values: choices.smoothed[score].values },
        ...(values.length > 0
          ? [
              {
                label: validation,
                colour: evaluationColour(scores, colour),
                look: 'dashed' as const,
                steps: evaluated,
                values,
              },
            ]
          : []),
      ];
    }),
  }));
}

/** One line alone has the colour that validation has everywhere. */
function evaluationColour(scores: readonly Wanted[], colour: string): string {
  return scores.length === 1 ? '--chart-validation' : colour;
}
