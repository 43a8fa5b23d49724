/**
 * Answers what a run or a model would take before anything starts. The work is done in a worker process that stays a
 * while, since its tokenised rows make the next answer quick; a page that asks on every change never waits for its
 * start twice.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Home } from '../home.ts';
import type { EngineName } from '../../../src-shared/backends.ts';
import type { PlanResult, PreflightResult, Room } from '../../../src-shared/plan.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import type { EngineService } from '../workers/engines.ts';
import { KeptWorker } from '../workers/keptWorker.ts';
import { checkStart, type StartRun } from './input.ts';
import { trainableIn, type TrainableView } from './trainable.ts';
import type { Workers } from '../workers/client.ts';

export interface PlanView extends PlanResult {
  trainable: TrainableView;
}

export class PlanService {
  #worker: KeptWorker;
  #engines: EngineService;
  #home: Home;
  #catalog: Catalog;

  constructor(home: Home, catalog: Catalog, workers: Workers, engines: EngineService) {
    this.#home = home;
    this.#catalog = catalog;
    this.#worker = new KeptWorker(workers);
    this.#engines = engines;
  }

  /** What the run that `input` would start comes to. Throws what its start would throw. */
  async estimate(input: StartRun): Promise<PlanView> {
    const { spec, room } = await this.#question(input);
    const trainable = trainableIn(spec.model.dir, spec.method);
    return { ...(await this.#worker.ask('plan', { spec, room })), trainable };
  }

  /** The largest batch, length and rank that would fit, each with all else as it is. */
  async largest(input: StartRun): Promise<PreflightResult['largest']> {
    return this.#worker.ask('planLargest', await this.#question(input));
  }

  needs(modelDir: string): Promise<WorkerCalls['modelNeeds']['result']> {
    return this.#worker.ask('modelNeeds', { modelDir });
  }

  tokenizer(modelDir: string): Promise<WorkerCalls['checkTokenizer']['result']> {
    return this.#worker.ask('checkTokenizer', { modelDir });
  }

  async #question(input: StartRun): Promise<{ spec: RunSpec; room: Room }> {
    const { spec } = checkStart(this.#home, this.#catalog, input);
    const engine: EngineName = await this.#engines.resolve(spec.engine);
    const report = this.#engines.known(engine);
    return {
      spec: { ...spec, engine },
      room: { gpu: report?.gpu ?? false, cardBytes: report?.gpu ? report.memoryBytes : null },
    };
  }
}
