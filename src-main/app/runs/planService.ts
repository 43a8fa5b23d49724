/**
 * Answers what a run or a model would take before anything starts. The work is done in a worker process that stays a
 * while, since its tokenised rows make the next answer quick; a page that asks on every change never waits for its
 * start twice.
 */
import type { Home } from '../storage/home.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import type { FitPart, FitResult, ModelFit, PreflightResult } from '../../../src-shared/plan.ts';
import { RECOMMENDED_MODELS } from '../../../src-shared/recommendedModels.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { PlanResult, Room } from '../../../src-shared/plan.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { SettingsService } from '../settings/service.ts';
import type { EngineService } from '../workers/engines.ts';
import { look } from '../looking/look.ts';
import { KeptWorker } from '../workers/keptWorker.ts';
import { cliLine } from './cliLine.ts';
import { checkStart, findParts, type Registered, type StartRun, type StartRunChecked } from './input.ts';
import type { TrainableView } from './trainable.ts';
import type { Workers } from '../workers/client.ts';

export interface PlanView extends PlanResult {
  trainable: TrainableView;
}

interface PlanParts extends Registered {
  home: Home;
  settings: SettingsService;
  workers: Workers;
  engines: EngineService;
}

export class PlanService {
  #worker: KeptWorker;
  #parts: PlanParts;

  constructor(parts: PlanParts) {
    this.#worker = new KeptWorker(parts.workers);
    this.#parts = parts;
  }

  /** What the run that `input` would start comes to. Throws what its start would throw. */
  async estimate(input: StartRun): Promise<PlanView> {
    const { spec, room } = await this.#question(input);
    const trainable = await look('trainableIn', [spec.model.dir, spec.method]);
    return { ...(await this.#worker.ask('plan', { spec, room })), trainable };
  }

  /** The largest batch, length and rank that would fit, each with all else as it is. */
  async largest(input: StartRun): Promise<PreflightResult['largest']> {
    return this.#worker.ask('planLargest', await this.#question(input));
  }

  /** Settings with which the run fits into this machine, the mildest first; those of `keep` stay as they are. */
  async fit(input: StartRun, keep: FitPart[] = []): Promise<FitResult> {
    return this.#worker.ask('planFit', { ...(await this.#question(input)), keep });
  }

  /** Estimated memory of a registered model on each engine. */
  needs(modelId: string): Promise<WorkerCalls['modelNeeds']['result']> {
    return this.#worker.ask('modelNeeds', { modelDir: this.#parts.models.require(modelId).dir });
  }

  /** In which form a recommended model could be trained here. Throws a usage error MODEL_NOT_FOUND. */
  async recommendedFit(repository: string): Promise<ModelFit> {
    const model = RECOMMENDED_MODELS.find((one) => one.repository === repository);
    if (!model)
      throw usageError('MODEL_NOT_FOUND', `${repository} is not among the recommended models.`, { repository });
    const { engine, room } = await this.#room('auto');
    return this.#worker.ask('modelFit', { config: model.config, engine, room });
  }

  /** Tries the tokenizer of a registered model out. */
  tokenizer(modelId: string): Promise<WorkerCalls['checkTokenizer']['result']> {
    return this.#worker.ask('checkTokenizer', { modelDir: this.#parts.models.require(modelId).dir });
  }

  /** The command that starts the same run. */
  commandLine(input: StartRunChecked): string {
    return cliLine(input, findParts(this.#parts, input));
  }

  async #question(input: StartRun): Promise<{ spec: RunSpec; room: Room }> {
    const { spec } = await checkStart(this.#parts, this.#parts.settings.withMemoryLimit(input));
    const { engine, room } = await this.#room(spec.engine);
    return { spec: { ...spec, engine }, room };
  }

  async #room(wanted: 'auto' | BackendName): Promise<{ engine: BackendName; room: Room }> {
    const engine = await this.#parts.engines.resolve(wanted);
    const room = await this.#parts.engines.room(engine);
    const { bindingBytes } = this.#parts.engines.known(engine) ?? {};
    return { engine, room: { ...room, bindingBytes } };
  }
}
