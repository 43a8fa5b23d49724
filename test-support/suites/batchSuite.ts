/**
 * Decoding rows together, each with its own adapter, against decoding them one by one: the same logits and the same
 * tokens.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../src-shared/backends.ts';
import {
  generateMixed,
  generateTokens,
  lastLogits,
  RollingBatch,
  type GenerateOptions,
} from '../../src-main/engine/generate/generate.ts';
import { createLora, type LoraAdapter } from '../../src-main/methods/lora/lora.ts';
import { MixedLora } from '../../src-main/methods/lora/mixed.ts';
import {
  architectureFromConfig,
  availableTargets,
  type ArchitectureSpec,
} from '../../src-main/engine/model/architecture.ts';
import { type Target } from '../../src-shared/targets.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import { KvCache } from '../../src-main/engine/model/kvCache.ts';
import { Random } from '../../src-shared/random.ts';
import { randomiseB } from '../fixtures/adapters.ts';
import { bootOrNote } from '../checks/engineSkip.ts';
import { expectClose } from '../checks/expectClose.ts';
import { randomModel } from '../fixtures/randomModel.ts';

const SIZES = {
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 24,
  vocab_size: 32,
  max_position_embeddings: 160,
};
const SPECS: Record<string, ArchitectureSpec> = {
  llama: architectureFromConfig({ model_type: 'llama', ...SIZES }),
  mistral: architectureFromConfig({ model_type: 'mistral', ...SIZES, sliding_window: 5 }),
  qwen3: architectureFromConfig({ model_type: 'qwen3', ...SIZES, head_dim: 6 }),
  gemma2: architectureFromConfig({
    model_type: 'gemma2',
    ...SIZES,
    head_dim: 6,
    query_pre_attn_scalar: 5,
    sliding_window: 5,
    attn_logit_softcapping: 4,
    final_logit_softcapping: 8,
  }),
  phi3: architectureFromConfig({ model_type: 'phi3', ...SIZES, sliding_window: 7, partial_rotary_factor: 0.5 }),
  gemma3: architectureFromConfig({
    model_type: 'gemma3_text',
    ...SIZES,
    num_hidden_layers: 3,
    head_dim: 6,
    query_pre_attn_scalar: 5,
    sliding_window: 5,
    sliding_window_pattern: 3,
    rope_local_base_freq: 100,
  }),
  // Rows pass the original length one after another, some while they are read and some while they are written.
  phi4mini: architectureFromConfig({
    model_type: 'phi3',
    ...SIZES,
    original_max_position_embeddings: 8,
    rope_scaling: { type: 'longrope', short_factor: [1, 1.2], long_factor: [1, 3] },
  }),
  gpt_neox: architectureFromConfig({ model_type: 'gpt_neox', ...SIZES, rotary_pct: 0.5 }),
  gpt2: architectureFromConfig({
    model_type: 'gpt2',
    n_embd: 16,
    n_layer: 2,
    n_head: 4,
    vocab_size: 32,
    n_positions: 160,
    activation_function: 'gelu_new',
  }),
};
const PROMPT_LENGTHS = [3, 9, 1, 6, 9];

/** Ranks, targets and scales that differ; the last row has no adapter, the first two share one. */
function adaptersFor(spec: ArchitectureSpec): (LoraAdapter | null)[] {
  const make = (rank: number, alpha: number, targets: Target[], seed: number): LoraAdapter => {
    const adapter = createLora(spec, { rank, alpha, dropout: 0, targets, init: 'kaiming' }, seed);
    randomiseB(adapter, seed);
    return adapter;
  };
  const known = availableTargets(spec);
  const only = (...targets: Target[]): Target[] => targets.filter((target) => known.includes(target));
  const narrow = known.includes('q') ? only('q', 'v') : only('qkv');
  const wide = known.includes('qkv') ? only('qkv', 'fc', 'proj', 'gate_up') : only('q', 'k', 'up', 'down');
  const [a, b, c] = [make(2, 4, narrow, 1), make(3, 3, wide, 2), make(2, 8, [...narrow.slice(0, 1), 'o'], 3)] as const;
  return [a, a, b, c, null];
}

function prompts(spec: ArchitectureSpec): number[][] {
  const random = new Random(5);
  return PROMPT_LENGTHS.map((length) => Array.from({ length }, () => random.integer(spec.vocab)));
}

/** `rtol` is relative to the largest logit; `steps`: tokens after the prompts. */
export async function batchSuite(
  engine: BackendName,
  names: string[],
  { rtol, steps }: { rtol: number; steps: number },
): Promise<void> {
  const note = await bootOrNote(engine);
  describe.skipIf(note !== '')(`rows together on ${engine}${note}`, () => {
    it.each(names)('%s: logits of rows with adapters of their own equal those of each alone', async (name) => {
      await withModel(SPECS[name]!, (model, adapters) => checkLogits(model, adapters, rtol, steps));
    });

    it.each(names)(
      '%s: greedy and sampled rows get the tokens that each gets alone, whenever they end',
      async (name) => {
        await withModel(SPECS[name]!, async (model, adapters) => {
          await checkTokens(model, adapters, 0);
          await checkTokens(model, adapters, 1);
        });
      },
    );

    it.each(names)(
      '%s: rows that join and leave at any token, their prompts read in pieces, get what each gets alone',
      async (name) => {
        await withModel(SPECS[name]!, (model, adapters) => checkJoining(model, adapters));
      },
    );
  });
}

async function withModel(
  spec: ArchitectureSpec,
  check: (model: Decoder, adapters: (LoraAdapter | null)[]) => Promise<void>,
): Promise<void> {
  const model = randomModel(spec, 3);
  const adapters = adaptersFor(spec);
  await check(model, adapters);
  for (const adapter of new Set(adapters)) adapter?.dispose();
  model.dispose();
}

/** The prompts, then `steps` tokens, the same for every row. */
async function checkLogits(
  model: Decoder,
  adapters: (LoraAdapter | null)[],
  rtol: number,
  steps: number,
): Promise<void> {
  const rows = prompts(model.spec);
  const longest = Math.max(...PROMPT_LENGTHS);
  const mixed = new MixedLora(adapters);
  const everyRow = adapters.map((_, i) => i);
  const alone: Float32Array[][] = [];
  for (const [i, prompt] of rows.entries()) {
    alone.push(
      await logitsOf(model.with(adapters[i]!), new KvCache(), Int32Array.from(prompt), 1, steps, () => undefined),
    );
  }
  const ids = new Int32Array(rows.length * longest);
  rows.forEach((prompt, i) => ids.set(prompt, (i + 1) * longest - prompt.length));
  const together = await logitsOf(
    model.with(mixed),
    new KvCache(rows.map(({ length }) => longest - length)),
    ids,
    rows.length,
    steps,
    (T) => mixed.assign(everyRow, T),
  );
  const V = model.spec.vocab;
  together.forEach((logits, step) => {
    for (const row of everyRow) {
      const want = alone[row]![step]!;
      const got = logits.subarray(row * V, (row + 1) * V);
      expectClose(got, want, { rtol, atol: rtol * Math.max(...want.map(Math.abs)) }, `row ${row}, step ${step}`);
    }
  });
  expect(Math.max(...alone[0]![0]!.map((x, i) => Math.abs(x - alone[4]![0]![i]!)))).toBeGreaterThan(0.1);
  mixed.dispose();
}

/** Logits after the prompts and after each of `steps` more tokens; every seventh step is compared. */
async function logitsOf(
  model: Decoder,
  cache: KvCache,
  prompt: Int32Array,
  B: number,
  steps: number,
  before: (T: number) => void,
): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  for (let step = 0; step <= steps; step++) {
    const next = step === 0 ? prompt : new Int32Array(B).fill(step % model.spec.vocab);
    const ids = model.continuing(cache, next);
    before(ids.length / B);
    const logits = lastLogits(model, ids, cache);
    if (step % 7 === 0 || step === steps) found.push((await logits.data()) as Float32Array);
    logits.dispose();
  }
  cache.dispose();
  return found;
}

interface Decoded {
  ids: number[];
  end: string;
}

async function collect(tokens: ReturnType<typeof generateTokens>): Promise<Decoded> {
  const ids: number[] = [];
  let next = await tokens.next();
  for (; !next.done; next = await tokens.next()) ids.push(next.value);
  return { ids, end: next.value };
}

async function checkTokens(model: Decoder, adapters: (LoraAdapter | null)[], temperature: number): Promise<void> {
  const all = prompts(model.spec);
  const optionsOf = (row: number, eosIds: number[]): GenerateOptions => ({
    maxNew: row === 1 ? 3 : 10,
    temperature,
    eosIds,
    random: new Random(row),
  });
  const runAlone = (row: number, eosIds: number[]): Promise<Decoded> =>
    collect(generateTokens(model.with(adapters[row]!), all[row]!, optionsOf(row, eosIds)));
  const third = (await runAlone(3, [])).ids[2]!;
  const eosOf = (row: number): number[] => (row === 3 ? [third] : []);
  const alone: Decoded[] = [];
  for (const row of all.keys()) alone.push(await runAlone(row, eosOf(row)));
  const before = tf.memory().numTensors;
  const together = alone.map((): Decoded => ({ ids: [], end: '' }));
  for await (const event of generateMixed(
    model,
    all.map((prompt, row) => ({ prompt, options: optionsOf(row, eosOf(row)) })),
    new MixedLora(adapters),
  )) {
    if ('end' in event) together[event.row]!.end = event.end;
    else together[event.row]!.ids.push(event.id);
  }
  expect(together).toEqual(alone);
  expect(together.map(({ ids }) => ids.length).slice(0, 3)).toEqual([10, 3, 10]);
  expect(together[3]!.end).toBe('eos');
  expect(tf.memory().numTensors).toBe(before);
}

/** When each row comes, in steps, and how long it goes on: some are over before others begin. */
const COMES = [0, 2, 2, 5, 14];
const GOES_ON = [12, 3, 20, 6, 9];
/** This row's client goes away after so many steps. */
const LEAVES = { row: 2, step: 11 };

async function checkJoining(model: Decoder, adapters: (LoraAdapter | null)[]): Promise<void> {
  const all = prompts(model.spec);
  const optionsOf = (row: number): GenerateOptions => ({
    maxNew: GOES_ON[row]!,
    temperature: row === 3 ? 1 : 0,
    eosIds: [],
    random: new Random(row),
  });
  const alone: number[][] = [];
  for (const [row, prompt] of all.entries())
    alone.push((await collect(generateTokens(model.with(adapters[row]!), prompt, optionsOf(row)))).ids);
  const before = tf.memory().numTensors;
  const mixed = new MixedLora(adapters);
  const batch = new RollingBatch(model.with(mixed), {
    beforePass: (rows, T) => mixed.assign(rows, T),
    tokensPerPass: 8,
  });
  const together: number[][] = all.map(() => []);
  for (let step = 0; step <= Math.max(...COMES) || batch.isBusy; step++) {
    const rows = all.flatMap((prompt, row) => (COMES[row] === step ? [{ row, prompt, options: optionsOf(row) }] : []));
    if (rows.length > 0) batch.enter(rows);
    if (step === LEAVES.step) batch.leave(LEAVES.row);
    for (const event of await batch.step()) if ('id' in event) together[event.row]!.push(event.id);
  }
  const left = together[LEAVES.row]!.length;
  expect(left).toBeGreaterThan(3);
  expect(left).toBeLessThan(GOES_ON[LEAVES.row]!);
  expect(together).toEqual(alone.map((ids, row) => (row === LEAVES.row ? ids.slice(0, left) : ids)));
  expect(batch.extent).toEqual({ rows: 0, longest: 0 });
  batch.dispose();
  mixed.dispose();
  expect(tf.memory().numTensors).toBe(before);
}
