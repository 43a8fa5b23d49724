/** The one typed API of Graft: Electron, the web host and the command line all call this. */
import type { Services } from '../app/services.ts';
import { adaptersRouter } from './adapters.ts';
import { choicesRouter } from './choices.ts';
import { datasetsRouter } from './datasets.ts';
import { draftsRouter } from './drafts.ts';
import { exportsRouter } from './exports.ts';
import { homeRouter } from './home.ts';
import { labRouter } from './lab.ts';
import { modelsRouter } from './models.ts';
import { plansRouter } from './plan.ts';
import { playgroundRouter } from './playground.ts';
import { pullsRouter } from './pulls.ts';
import { runsRouter } from './runs.ts';
import { servingRouter } from './serving.ts';
import { studiesRouter } from './studies.ts';
import { suitesRouter } from './suites.ts';
import { systemRouter } from './system.ts';
import { targetsRouter } from './targets.ts';
import { tasksRouter } from './tasks.ts';
import { createCallerFactory, router, type RequestContext } from './trpc.ts';

export function createRouter(services: Services) {
  return router({
    system: systemRouter(services),
    home: homeRouter(services),
    models: modelsRouter(services),
    datasets: datasetsRouter(services),
    drafts: draftsRouter(services),
    tasks: tasksRouter(services),
    targets: targetsRouter(services),
    runs: runsRouter(services),
    studies: studiesRouter(services),
    suites: suitesRouter(services),
    adapters: adaptersRouter(services),
    plan: plansRouter(services),
    playground: playgroundRouter(services),
    choices: choicesRouter(services),
    exports: exportsRouter(services),
    serving: servingRouter(services),
    lab: labRouter(services),
    pulls: pullsRouter(services),
  });
}
export type AppRouter = ReturnType<typeof createRouter>;

/** The API as plain functions, for callers in this process. */
export function createCaller(services: Services, context: RequestContext = {}) {
  return createCallerFactory(createRouter(services))(context);
}
export type Caller = ReturnType<typeof createCaller>;
