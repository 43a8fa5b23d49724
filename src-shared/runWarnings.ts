/** What a run is likely to come to nothing by, said before it starts and in its log; none of it is forbidden. */
import { counted } from './plural.ts';
import { warmupAsked, warmupSteps } from './schedule.ts';
import { adviceOn, type Settings } from './settings/setting.ts';
import { TRAIN_SETTINGS, type TrainSettings } from './settings/training.ts';

interface RunFacts {
  trainRows: number;
  valRows: number;
  totalSteps: number;
  train: TrainSettings;
}

/** Fewer than these are learnt by heart, or not at all. */
const FEW_ROWS = 10;
const FEW_STEPS = 10;

/** In the order of weight, a sentence each. */
export function runWarnings({ trainRows, valRows, totalSteps, train }: RunFacts): string[] {
  const { val, warmup } = train;
  const warnings: string[] = [];
  if (trainRows < FEW_ROWS)
    warnings.push(
      `Only ${counted(trainRows, ['row', 'rows'])} to train on: a model learns so few by heart, if anything; ` +
        'some hundred are usual.',
    );
  if (totalSteps < FEW_STEPS)
    warnings.push(
      `The whole run is ${counted(totalSteps, ['step', 'steps'])}: too few to learn much; raise the steps or epochs, ` +
        'or lower the batch size.',
    );
  if (val > 0 && valRows === 0)
    warnings.push(
      `No row is left to validate on: ${percent(val)} of ${counted(trainRows, ['row', 'rows'])} are none, so nothing ` +
        'tells how well the model does on rows that it has not seen.',
    );
  if (warmupAsked(warmup, totalSteps) > warmupSteps(warmup, totalSteps) && warmup >= 1)
    warnings.push(
      `A warm-up of ${counted(warmupAsked(warmup, totalSteps), ['step', 'steps'])} is as long as the run or longer; ` +
        `it ends after ${counted(warmupSteps(warmup, totalSteps), ['step', 'steps'])} instead.`,
    );
  return [...warnings, ...unusual(TRAIN_SETTINGS, train)];
}

/** Values outside the usual. */
function unusual(settings: Settings, values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(settings).flatMap(([name, setting]) => adviceOn(setting, values[name]) ?? []);
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
