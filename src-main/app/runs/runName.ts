/** Names of runs that nobody has named: the task, and what tells the run from the others of that task. */
import path from 'node:path';
import { freshName } from '../../../src-shared/freshName.ts';
import { objectiveName } from '../../../src-shared/objectives.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { describeMethod } from '../../../src-shared/methods/registry.ts';

/** More differences than these make no name that anybody reads. */
const MOST_PARTS = 4;
/** Leaves room for a number behind it. */
const LONGEST = 110;

/** What a run that is named has to be told from. */
export interface Sibling {
  name: string;
  spec: RunSpec;
}

/**
 * `support` for the first run of a task; `support r16 lr3e-4` where an earlier one has another rank and rate; with a
 * number where that name is taken. `others`: all runs there are.
 */
export function runName(spec: RunSpec, others: readonly Sibling[]): string {
  const siblings = others.filter((other) => other.spec.task === spec.task).map((other) => parts(other.spec));
  const own = Object.entries(parts(spec));
  const telling = own.filter(([key, text]) => text && siblings.some((sibling) => sibling[key] !== text));
  const words = siblings.length === 0 ? [] : telling.slice(0, MOST_PARTS).map(([, text]) => text);
  const name = [spec.task, ...words].join(' ').slice(0, LONGEST);
  return freshName(
    name,
    others.map((other) => other.name),
  );
}

/** What runs mostly differ in, in short, the most telling first; empty where there is nothing to say. */
function parts({ model, data, method, objective, startsFrom, train, baseDtype }: RunSpec): Record<string, string> {
  const text = (prefix: string, value: number | undefined) => (value === undefined ? '' : `${prefix}${short(value)}`);
  return {
    model: path.basename(model.dir),
    data: `on ${path.parse(data.file).name}`,
    start: startsFrom ? 'continued' : 'new',
    objective: objective ? objectiveName(objective) : 'supervised',
    beta: objective && 'beta' in objective ? text('beta', objective.beta) : '',
    method: describeMethod(method).name,
    rank: 'rank' in method ? text('r', method.rank) : '',
    alpha: 'alpha' in method ? text('a', method.alpha) : '',
    targets: 'targets' in method ? (method.targets ?? []).join('+') : '',
    lr: text('lr', train.lr),
    batch: text('b', train.batch * train.accumulate),
    length: train.steps === undefined ? text('e', train.epochs) : text('s', train.steps),
    maxLength: text('len', data.maxLength),
    schedule: train.schedule,
    baseDtype: baseDtype ?? 'f32',
    seed: text('seed', train.seed),
  };
}

/** 0.0003 -> `3e-4`, 0.02 -> `0.02`. */
function short(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential().replace('e+', 'e') : String(value);
}
