/** What a run leaves behind: metrics, texts, log lines, kept states, and a look back at one step. */
import { z } from 'zod';
import { byId } from '../app/inputs.ts';
import { logSchema, metricsSchema, seriesSchema } from '../app/runs/history.ts';
import { exportLogs, exportLogsSchema } from '../app/runs/exportLogs.ts';
import { inspectRun } from '../app/runs/inspectRun.ts';
import type { Services } from '../app/services.ts';
import { procedure } from './trpc.ts';

const oneStep = byId.extend({ step: z.number().int().min(1) });

export function runHistoryProcedures(services: Services) {
  const { runHistory: history } = services;
  return {
    metrics: procedure.input(metricsSchema).query(({ input }) => history.metrics(input)),
    series: procedure.input(seriesSchema).query(({ input }) => history.series(input)),
    verdict: procedure.input(byId).query(({ input }) => history.verdict(input.id)),
    samples: procedure.input(byId).query(({ input }) => history.samples(input.id)),
    log: procedure.input(logSchema).query(({ input }) => history.log(input)),
    exportLogs: procedure.input(exportLogsSchema).mutation(({ input }) => exportLogs(services, input)),
    checkpoints: procedure.input(byId).query(({ input }) => history.keptStates(input.id)),
    /** The rows of one step, each with its own loss; may take a while. Ending the request cancels it. */
    inspectStep: procedure.input(oneStep).query(({ input, signal }) => inspectRun(services, { ...input, signal })),
  };
}
