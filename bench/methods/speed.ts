/**
 * Time of a training step of each method, and of a new token at batch 1; the methods take turns, so that what disturbs
 * the machine disturbs all.
 */
import * as tf from '@tensorflow/tfjs-core';
import { openBaseModel, type BaseModel } from '../../src-main/basemodel/baseModel.ts';
import { collate } from '../../src-main/datasets/batches.ts';
import { KvCache } from '../../src-main/engine/model/kvCache.ts';
import { lastLogits } from '../../src-main/engine/generate/generate.ts';
import type { Parameter } from '../../src-main/engine/model/parameters.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import { AdamW } from '../../src-main/engine/optim/adamw.ts';
import type { Batch } from '../../src-main/engine/train/batchLoss.ts';
import { trainStep } from '../../src-main/engine/train/step.ts';
import { withVirtualTokens } from '../../src-main/datasets/virtualTokens.ts';
import { prepareDataset } from '../../src-main/datasets/dataset.ts';
import { loadTokenizer } from '../../src-main/datasets/tokenizer.ts';
import { useBackend } from '../../src-main/worker/backend.ts';
import { loadDecoder } from '../../src-main/worker/loadDecoder.ts';
import { attachMethod, type AttachedMethod } from '../../src-main/methods/attach.ts';
import { methodSchema, type MethodSettings } from '../../src-shared/methods/registry.ts';
import { runSpecSchema } from '../../src-shared/runSpec.ts';
import type { BackendName } from '../../src-shared/backends.ts';
import { summarise } from '../lib/stats.ts';
import type { ComparedMethod } from './list.ts';
import type { Task } from './quality.ts';

const ROUNDS = 12;

/** Puts a fresh adapter of the method on the model. */
function attach(
  model: Decoder,
  base: BaseModel,
  engine: BackendName,
  settings: MethodSettings,
): Promise<AttachedMethod> {
  const run = runSpecSchema.parse({
    runId: 'methods',
    engine,
    model: { dir: base.dir, hash: base.hash },
    data: { file: '' },
    task: 'methods',
    method: settings,
    train: {},
    runDir: '',
    outDir: '',
  });
  return attachMethod(model, run, base);
}

/** Median milliseconds of a step on the same batch, by method. */
export async function stepTimes(task: Task, methods: ComparedMethod[]): Promise<Map<string, number>> {
  await useBackend(task.engine);
  const base = openBaseModel(task.modelDir);
  const tokenizer = loadTokenizer(task.modelDir);
  const { examples } = await prepareDataset({ file: task.data, maxLength: 256, tokenizer });
  const trainings = [];
  for (const { name, settings } of methods) {
    const attached = await attach(await loadDecoder(base), base, task.engine, settings);
    const { model } = attached;
    const rows = examples
      .slice(0, task.batch)
      .map((example) =>
        model.adapter?.virtual
          ? withVirtualTokens(example, { ...model.adapter.virtual, vocab: model.spec.vocab })
          : example,
      );
    const batch: Batch = collate(
      rows,
      rows.map((_, i) => i),
      tokenizer.padId,
    );
    trainings.push({
      name,
      model,
      attached,
      batch,
      optimizer: new AdamW(attached.parameters, { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 }),
    });
  }
  const times = await turns(
    trainings,
    async ({ model, attached, batch, optimizer }) =>
      void (await trainStep(model, attached.parameters, optimizer, [batch], { lr: 1e-4, clip: 1 })),
  );
  for (const { model, optimizer } of trainings) {
    optimizer.dispose();
    model.dispose();
  }
  base.close();
  return times;
}

const PROMPT = 32;
const NEW = 16;

/** What stays in the forward pass. */
const ADDED = [
  ['LoRA q, v; r 8, not merged', { type: 'lora', rank: 8, targets: ['q', 'v'] }],
  ['adapters, Houlsby; r 16', { type: 'adapter', kind: 'houlsby', bottleneck: 16 }],
  ['adapters, Lin; r 16', { type: 'adapter', kind: 'lin', bottleneck: 16 }],
  ['adapters, Pfeiffer; r 16', { type: 'adapter', kind: 'pfeiffer', bottleneck: 16 }],
] as const;

/**
 * Median milliseconds per new token of one row, for adapters on a model of `modelDir`'s size; `merged` is the base,
 * since nothing is added.
 */
export async function tokenTimes(modelDir: string, engine: BackendName): Promise<Map<string, number>> {
  await useBackend(engine);
  const base = openBaseModel(modelDir);
  const model = await loadDecoder(base);
  const variants: { name: string; adapted: Decoder; parameters: Parameter[] }[] = [
    { name: 'merged LoRA', adapted: model, parameters: [] },
  ];
  for (const [name, settings] of ADDED) {
    const { model: adapted, parameters } = await attach(model, base, engine, methodSchema.parse(settings));
    variants.push({ name, adapted, parameters });
  }
  const times = await turns(variants, ({ adapted }) => decode(adapted));
  tf.dispose(variants.flatMap(({ parameters }) => parameters.map(({ value }) => value)));
  model.dispose();
  base.close();
  return new Map([...times].map(([name, ms]) => [name, ms / NEW]));
}

async function decode(model: Decoder): Promise<void> {
  const cache = new KvCache();
  let ids = Int32Array.from({ length: PROMPT }, (_, i) => i + 5);
  for (let i = 0; i < NEW; i++) {
    const logits = lastLogits(model, ids, cache);
    const best = tf.tidy(() => tf.argMax(logits, -1));
    ids = Int32Array.from(await best.data());
    tf.dispose([logits, best]);
  }
  cache.dispose();
}

/** One warm-up each, then rounds in which each takes its turn. */
async function turns<T extends { name: string }>(
  all: T[],
  run: (one: T) => Promise<void>,
): Promise<Map<string, number>> {
  const samples = new Map(all.map(({ name }) => [name, [] as number[]]));
  for (const one of all) await run(one);
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of all) {
      const started = performance.now();
      await run(one);
      samples.get(one.name)!.push(performance.now() - started);
    }
  }
  return new Map([...samples].map(([name, ms]) => [name, summarise(ms).median]));
}
