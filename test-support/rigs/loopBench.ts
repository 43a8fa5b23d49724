/**
 * The training loop on a small random model, all in this process, so that a test can reach into the model between two
 * steps.
 */
import { temporaryFolder } from '../fixtures/folders.ts';
import { BatchPlan } from '../../src-main/datasets/batchPlan.ts';
import type { TokenisedExample } from '../../src-main/datasets/types.ts';
import { loadTokenizer } from '../../src-main/datasets/tokenizer.ts';
import { createLora, type LoraAdapter } from '../../src-main/methods/lora/lora.ts';
import { architectureFromConfig } from '../../src-main/engine/model/architecture.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import { countParameters } from '../../src-main/engine/model/parameters.ts';
import { AdamW } from '../../src-main/engine/optim/adamw.ts';
import { Random } from '../../src-shared/random.ts';
import { CallControl } from '../../src-main/worker/control.ts';
import { scheduleFactor, warmupSteps } from '../../src-shared/schedule.ts';
import { trainSettingsSchema } from '../../src-shared/settings/training.ts';
import type { TrainEvent } from '../../src-shared/training.ts';
import { newProgress } from '../../src-main/worker/train/state.ts';
import { alone } from '../../src-main/worker/train/team.ts';
import type { Run } from '../../src-main/worker/train/run.ts';
import { randomModel } from '../fixtures/randomModel.ts';
import { writeTinyTokenizer } from '../fixtures/tinyTokenizer.ts';

const SPEC = architectureFromConfig({
  model_type: 'llama',
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 24,
  vocab_size: 32,
  max_position_embeddings: 32,
});

export interface LoopBench {
  run: Run;
  /** Takes what a user would ask for. */
  control: CallControl;
  model: Decoder;
  adapter: LoraAdapter;
  events: TrainEvent[];
  /** Messages of the log events so far. */
  logs(): string[];
  /** Loss of each step that was taken. */
  losses(): Map<number, number>;
}

/** Rows that count upwards from random starts, of 3 to 16 tokens, all labelled: something that can be learnt. */
function countingRows(count: number, seed: number): TokenisedExample[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const first = random.integer(SPEC.vocab);
    const ids = Int32Array.from({ length: 3 + random.integer(14) }, (_, t) => (first + t) % SPEC.vocab);
    const { length } = ids;
    return {
      line: i + 1,
      ids,
      labels: ids.map((id, t) => (t === 0 ? -100 : id)),
      labelled: length - 1,
      truncated: false,
      fullLength: length,
      group: i,
    };
  });
}

/** `beforeTraining` is called with the step before each of its micro-batches. The engine must be booted. */
export function openLoop(
  train: object,
  {
    runDir = temporaryFolder(),
    beforeTraining = () => undefined,
  }: { runDir?: string; beforeTraining?: (step: number, model: Decoder) => void } = {},
): LoopBench {
  const settings = trainSettingsSchema.parse({
    steps: 6,
    batch: 2,
    lr: 1e-2,
    warmup: 0,
    seed: 3,
    checkpointEvery: 1,
    ...train,
  });
  const adapter = createLora(SPEC, { rank: 2, alpha: 4, dropout: 0, targets: ['q', 'v', 'down'], init: 'kaiming' }, 1);
  const model = randomModel(SPEC, 3).with(adapter);
  const events: TrainEvent[] = [];
  const parameters = adapter.parameters();
  const rows = countingRows(13, 1);
  const tokenizerDir = temporaryFolder();
  writeTinyTokenizer(tokenizerDir);
  const tokenizer = loadTokenizer(tokenizerDir);
  const warmup = warmupSteps(settings.warmup, settings.steps!);
  const control = new CallControl();
  const run: Run = {
    dir: runDir,
    engine: 'tensorflow',
    device: 'cpu',
    settings,
    data: {
      train: rows,
      val: countingRows(5, 2),
      endTokens: [],
      padId: 0,
      tokenizer,
      kind: 'text',
      controlTokens: false,
      sharedLines: false,
      maxLength: 16,
    },
    model,
    choices: null,
    method: {
      model,
      parameters,
      beforeTraining: (place) => beforeTraining(Number(place.split(' ')[0]), model),
      beforeEvaluation: () => undefined,
      save: () => Promise.reject(new Error('the loop saves nothing')),
    },
    optimizer: new AdamW(parameters, settings),
    plan: new BatchPlan(
      rows.map(({ ids }) => ids.length),
      { ...settings, maxLength: 16 },
    ),
    progress: newProgress(),
    totalSteps: settings.steps!,
    lrOf: (step) => settings.lr * scheduleFactor(settings.schedule, step, warmup, settings.steps!),
    trainableParameters: countParameters(parameters),
    totalParameters: countParameters(parameters) + countParameters(model.weights.values()),
    tensorLimitBytes: null,
    mostTensorBytes: null,
    keepsOnlyNewestState: false,
    sampler: null,
    emit: (event) => void events.push(event),
    control,
    team: alone(control),
  };
  return {
    run,
    control,
    model,
    adapter,
    events,
    logs: () => events.filter((event) => event.type === 'log').map(({ message }) => message),
    losses: () => new Map(events.filter((event) => event.type === 'step').map(({ step, loss }) => [step, loss])),
  };
}
