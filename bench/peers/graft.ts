/**
 * Graft's own side, as a process that answers the requests of protocol.ts with the product's code.
 * `node peers/graft.ts ENGINE`
 */
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { createInterface } from 'node:readline';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { peakResidentBytes } from '../../src-main/hardware/peakMemory.ts';
import { readPeftAdapter } from '../../src-main/methods/lora/peft.ts';
import { generateTokens } from '../../src-main/engine/generate/generate.ts';
import { PackedCache } from '../../src-main/loading/packedCache.ts';
import { createLora, type LoraAdapter } from '../../src-main/methods/lora/lora.ts';
import { countParameters } from '../../src-main/engine/model/parameters.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import { Random } from '../../src-shared/random.ts';
import { mergeAdapter } from '../../src-main/merging/merge.ts';
import { saveAdapter } from '../../src-main/methods/adapterFolder.ts';
import { type BackendName, BACKENDS } from '../../src-shared/backends.ts';
import type { BaseForms } from '../../src-shared/baseDtypes.ts';
import type { LoraSettings } from '../../src-shared/methods/lora.ts';
import { Resident } from '../../src-main/worker/serve/resident.ts';
import { profileKernels, type Profile } from '../lib/profile.ts';
import { profileFunctions } from '../lib/profileFunctions.ts';
import { loadDecoder } from '../../src-main/worker/loadDecoder.ts';
import { generateWithAdapters, makeAdapters } from './graftAdapters.ts';
import { timeAttention, timeGemm, timeProduct } from './graftKernels.ts';
import { GraftTraining } from './graftTraining.ts';
import type {
  AdaptersSetup,
  Example,
  GenerateAnswer,
  GraftSetup,
  HelloAnswer,
  PackAnswer,
  PeakAnswer,
  SavedAnswer,
  SetupAnswer,
  StepAnswer,
  TimeAnswer,
} from './protocol.ts';
import { useBackend } from '../../src-main/worker/backend.ts';

const engine = BACKENDS.find((name) => name === process.argv[2]) ?? fail(`unknown engine ${process.argv[2]}`);
const SEED = 3;

let model: Decoder;
let training: GraftTraining;
let adapters: LoraAdapter[];
const resident = new Resident();

function fail(message: string): never {
  throw new Error(message);
}

const commands = {
  async hello(): Promise<HelloAnswer> {
    const { device } = await useBackend(engine as BackendName);
    return { version: `Graft, ${engine}: ${device}`, threads: os.availableParallelism() };
  },

  /** From an empty process to the logits of one token; the engine's own start counts. */
  async load({ modelDir }: { modelDir: string }): Promise<TimeAnswer> {
    const started = performance.now();
    await openModel(modelDir);
    await generate([1], 1);
    return { ms: performance.now() - started };
  },

  /** A base in packed forms onto the engine, which has started; `cacheDir`: null for no cache. */
  async pack({
    modelDir,
    cacheDir,
    ...forms
  }: BaseForms & { modelDir: string; cacheDir: string | null }): Promise<PackAnswer> {
    await useBackend(engine as BackendName);
    const base = openBaseModel(modelDir);
    const cpu = process.cpuUsage();
    const started = performance.now();
    model = await loadDecoder(base, { ...forms, cache: cacheDir === null ? null : new PackedCache({ dir: cacheDir }) });
    const ms = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    base.close();
    return { ms, cpuMs: (user + system) / 1000, weights: countParameters(model.weights.values()) };
  },

  async setup(request: GraftSetup): Promise<SetupAnswer> {
    await useBackend(engine as BackendName);
    training = await GraftTraining.of(request, SEED);
    if (request.method === 'lora') await training.writeValues(request.initFile);
    return { trainable: training.trainable };
  },

  async step({ examples }: { examples: Example[] }): Promise<StepAnswer> {
    const started = performance.now();
    const { loss, gradNorm } = await training.step(examples);
    return { loss, gradNorm, ms: performance.now() - started };
  },

  /** Another command with the time per kernel, where the engine has been started, or per JavaScript function. */
  async profile({
    work,
    request,
  }: {
    work: 'step' | 'generate' | 'load' | 'merge';
    request: object;
  }): Promise<Profile> {
    const run = commands[work] as (request: object) => Promise<object>;
    const profiler = work === 'step' || work === 'generate' ? profileKernels : profileFunctions;
    return profiler(() => run(request));
  },

  async save(): Promise<SavedAnswer> {
    return training.save();
  },

  async generate({ prompt, maxNew }: { prompt: number[]; maxNew: number }): Promise<GenerateAnswer> {
    const started = performance.now();
    const ids = await generate(prompt, maxNew);
    return { ids, ms: performance.now() - started };
  },

  async adapters(request: AdaptersSetup): Promise<object> {
    adapters = await makeAdapters(model, request);
    return {};
  },

  /** The prompt once per adapter, as one batch. */
  async generateMany({ prompt, maxNew }: { prompt: number[]; maxNew: number }): Promise<GenerateAnswer> {
    const started = performance.now();
    const ids = await generateWithAdapters(model, adapters, prompt, maxNew);
    return { ids, ms: performance.now() - started };
  },

  /** Writes a PEFT folder with random A and B for `merge` and `switch`. */
  async writeAdapter({
    modelDir,
    adapterDir,
    targets,
    rank,
    alpha,
  }: { modelDir: string; adapterDir: string } & Pick<GraftSetup, 'targets' | 'rank' | 'alpha'>): Promise<object> {
    await useBackend(engine as BackendName);
    const base = openBaseModel(modelDir);
    const settings: LoraSettings = { type: 'lora', rank, alpha, dropout: 0, targets, init: 'kaiming' };
    const fresh = createLora(base.spec, settings, SEED);
    for (const { B } of fresh.pairs) {
      B.value.dispose();
      B.value = tf.tensor(Random.stream(SEED, B.name).normal(B.value.size, 0.02), B.value.shape);
    }
    const info = {
      format: 1,
      baseHash: base.hash,
      baseName: path.basename(modelDir),
      task: 'bench',
      runId: 'bench',
      createdAt: new Date().toISOString(),
    } as const;
    await saveAdapter(adapterDir, fresh, settings, base, info);
    fresh.dispose();
    base.close();
    return {};
  },

  async merge({
    modelDir,
    adapterDir,
    outDir,
  }: {
    modelDir: string;
    adapterDir: string;
    outDir: string;
  }): Promise<TimeAnswer> {
    const started = performance.now();
    const base = openBaseModel(modelDir);
    await mergeAdapter({ base, adapter: readPeftAdapter(adapterDir), outDir });
    base.close();
    return { ms: performance.now() - started };
  },

  async resident({ modelDir }: { modelDir: string }): Promise<TimeAnswer> {
    const { loadMs } = await resident.load({ engine: engine as BackendName, modelDir });
    return { ms: loadMs };
  },

  async attach({ adapterDir }: { adapterDir: string }): Promise<TimeAnswer> {
    return { ms: (await resident.attach(adapterDir)).switchMs };
  },

  async product(size: Parameters<typeof timeProduct>[0]): Promise<TimeAnswer> {
    await useBackend(engine as BackendName);
    return { ms: await timeProduct(size) };
  },

  async gemm(size: Parameters<typeof timeGemm>[0]): Promise<TimeAnswer> {
    await useBackend(engine as BackendName);
    return { ms: await timeGemm(size) };
  },

  async attention(size: Parameters<typeof timeAttention>[0]): Promise<TimeAnswer> {
    await useBackend(engine as BackendName);
    return { ms: await timeAttention(size) };
  },

  async peak(): Promise<PeakAnswer> {
    return { peakBytes: tf.getBackend() === 'webgpu' ? gpuBytes() : peakResidentBytes() };
  },
};

/** All that tfjs has taken from the card; it gives nothing back before its pool is freed, so this is the peak. */
function gpuBytes(): number {
  return (tf.memory() as unknown as { numBytesAllocatedInGPU: number }).numBytesAllocatedInGPU;
}

async function openModel(modelDir: string): Promise<void> {
  await useBackend(engine as BackendName);
  const base = openBaseModel(modelDir);
  model = await loadDecoder(base);
  base.close();
}

async function generate(prompt: number[], maxNew: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const id of generateTokens(model, prompt, { maxNew, temperature: 0, eosIds: [], random: new Random(0) }))
    ids.push(id);
  return ids;
}

async function answer(line: string): Promise<object> {
  const { command, ...request } = JSON.parse(line) as { command: keyof typeof commands };
  try {
    const run = commands[command] as (request: object) => Promise<object>;
    return await run(request);
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const text = JSON.stringify(await answer(line));
  process.stdout.write(`@${text}\n`);
}
process.exit(0); // native engines keep threads
