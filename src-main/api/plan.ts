/** Before a run starts: what it would take, its learning-rate curve, which rate suits it, and the command
 * line that says the same. */
import { fitSchema, startRunSchema } from '../app/runs/input.ts';
import { compareRatesSchema, findRateSchema } from '../app/runs/rateFinder.ts';
import { scheduleCurve, scheduleSchema } from '../app/runs/scheduleCurve.ts';
import type { Services } from '../app/services.ts';
import { procedure, router } from './trpc.ts';

export function plansRouter({ plans, rates }: Services) {
  return router({
    /** Steps, tokens, trained parameters, memory and a verdict; nothing is loaded. */
    estimate: procedure.input(startRunSchema).query(({ input }) => plans.estimate(input)),
    /** Settings with which the run fits, the mildest first; those that the user has set are kept. */
    fit: procedure.input(fitSchema).query(({ input: { keep, ...run } }) => plans.fit(run, keep)),
    /** The largest batch, length and rank that fit into this machine. */
    largest: procedure.input(startRunSchema).query(({ input }) => plans.largest(input)),
    schedule: procedure.input(scheduleSchema).query(({ input }) => scheduleCurve(input)),
    /** Steps at rising rates, and the curve of their losses; nothing is kept. */
    findRate: procedure.input(findRateSchema).subscription(({ input, signal }) => rates.find(input, signal)),
    /** Short runs at a few rates. */
    compareRates: procedure.input(compareRatesSchema).subscription(({ input, signal }) => rates.compare(input, signal)),
    commandLine: procedure.input(startRunSchema).query(({ input }) => plans.commandLine(input)),
  });
}
