/** `lab rate`: which learning rate suits a run, by a few of its steps (docs/lab.md). */
import { usageError } from '../../../src-shared/errors.ts';
import type { RateCurve, RateGrid } from '../../../src-shared/lab.ts';
import { GRID_SETTINGS, RATE_SETTINGS } from '../../../src-shared/settings/rate.ts';
import { shownRate } from '../../../src-shared/shownRate.ts';
import { TRAIN_DEFAULTS } from '../../../src-shared/settings/training.ts';
import type { RateEvent } from '../../app/runs/rateFinder.ts';
import type { Command, Context } from './command.ts';
import { loss, table, timeSayer } from './format.ts';
import { optionsOf, readSettings } from './settingOptions.ts';
import { readRun, RUN_OPTIONS } from './train.ts';

/** Of the curve that is printed; --json has all. */
const ROWS = 12;

export const labRate: Command = {
  name: 'lab rate',
  positionals: [],
  summary: 'Finds a learning rate for a run by steps of it at rising rates; nothing is kept.',
  options: {
    ...RUN_OPTIONS,
    lr: { type: 'string', value: 'X', help: 'where --grid tries around, if the curve gives no rate (2e-4)' },
    ...optionsOf(RATE_SETTINGS),
    grid: { type: 'boolean', help: 'then short runs at five rates around it, compared by their validation loss' },
    ...optionsOf(GRID_SETTINGS),
  },
  async run(context) {
    const { args, services, print } = context;
    const range = readSettings(args, RATE_SETTINGS);
    const { gridSteps } = readSettings(args, GRID_SETTINGS);
    if (args.text('grid-steps') !== undefined && !args.flag('grid'))
      throw usageError('BAD_USAGE', '--grid-steps means nothing without --grid; add it, or leave both out.');
    const run = await readRun(context, 'rate');
    const curve = await followed(services.rates.find({ run, ...range }), context, 'trying rates');
    printCurve(print, curve);
    if (!args.flag('grid')) return curve;
    const around = curve.proposal ?? run.train.lr ?? TRAIN_DEFAULTS.lr;
    const grid = await followed(services.rates.compare({ run, around, gridSteps }), context, 'short runs');
    printGrid(print, grid);
    return { ...curve, grid };
  },
};

async function followed<T>(events: AsyncIterable<RateEvent<T>>, { say }: Context, what: string): Promise<T> {
  let sayTime: ((share: number) => void) | undefined;
  let found: { result: T } | undefined;
  for await (const event of events) {
    if (event.type === 'found') found = event;
    else if (sayTime) sayTime((event.done - 1) / (event.total - 1));
    else sayTime = timeSayer(say, what); // the time left is that of steps, without what reading the model took
  }
  return found!.result;
}

function printCurve(print: Context['print'], { rates, losses, smoothed, reason }: RateCurve): void {
  const every = Math.ceil(rates.length / ROWS);
  const rows = rates.flatMap((rate, i) =>
    i % every === 0 || i === rates.length - 1
      ? [[shownRate(rate), shownLoss(losses[i] ?? null), loss(smoothed[i] ?? null)]]
      : [],
  );
  for (const line of table(['rate', 'loss', 'smoothed'], rows)) print(line);
  print(reason);
}

function printGrid(print: Context['print'], { steps, runs, initialValLoss, reason }: RateGrid): void {
  const rows = runs.map(({ lr, valLoss }) => [shownRate(lr), shownLoss(valLoss)]);
  for (const line of table(['rate', `validation loss after ${steps} steps`], rows)) print(line);
  print(`Untrained: ${loss(initialValLoss)}. ${reason}`);
}

function shownLoss(value: number | null): string {
  return value === null ? 'not finite' : loss(value);
}
