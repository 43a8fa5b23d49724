/** `lab advise`: targets and ranks from the first gradient of a run that has not started (docs/lab.md). */
import { adviseRun } from '../../app/runs/advise.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { ADVICE_RULES } from '../../../src-shared/lab.ts';
import type { Args } from './args.ts';
import type { Command } from './command.ts';
import { count, table } from './format.ts';
import { progress, shown } from './lab.ts';
import { readRun, RUN_OPTIONS } from './train.ts';

/** Of one trained value in float32: itself, its gradient, and the optimiser's two moments. */
const BYTES_PER_VALUE = 16;

export const labAdvise: Command = {
  name: 'lab advise',
  positionals: [],
  summary: 'Proposes which matrices to adapt, with which ranks, from the first gradient on a few batches.',
  options: {
    ...RUN_OPTIONS,
    budget: { type: 'string', value: 'N', help: "trained values at most (those of the run's own ranks)" },
    memory: { type: 'string', value: 'BYTES', help: 'instead: memory for values, gradients and moments' },
    rule: { type: 'string', value: 'NAME', help: `what a rank is worth: ${ADVICE_RULES.join(', ')} (energy)` },
  },
  async run(context) {
    const { api, args, services, print } = context;
    const budget = budgetOf(args);
    const rule = args.choice('rule', ADVICE_RULES) ?? 'energy';
    const run = await readRun(context, args.text('task') ?? 'advised');
    const ask = { rule, ...(budget === undefined ? {} : { budget }) };
    const result = await adviseRun(services, run, ask, progress(context));
    const command = await api.plan.commandLine({ ...run, method: result.method });
    const rows = result.matrices.map(({ place, name, rank, gradientNorm, singularValues }) => [
      place,
      name,
      String(rank),
      shown(gradientNorm),
      shown(singularValues[0] ?? 0),
    ]);
    for (const line of table(['matrix', 'name', 'rank', '|gradient|', 'largest value'], rows)) print(line);
    print(`${count(result.used)} of ${count(result.budget)} trained values. docs/lab.md says where this helped.`);
    print(command);
    return { ...result, command };
  },
};

function budgetOf(args: Args): number | undefined {
  const [budget, memory] = [args.integer('budget'), args.integer('memory')];
  if (budget !== undefined && memory !== undefined)
    throw usageError('BAD_USAGE', 'Give --budget or --memory, not both: each says how much may be trained.');
  const values = memory === undefined ? budget : Math.floor(memory / BYTES_PER_VALUE);
  if (values !== undefined && values < 1)
    throw usageError('BAD_USAGE', 'The budget holds no trained value; give a whole number from 1 on.');
  return values;
}
