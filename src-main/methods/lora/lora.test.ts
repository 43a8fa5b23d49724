/** LoRA: what is trained, how it starts, dropout, and what is refused. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GraftError } from '../../../src-shared/errors.ts';
import { randomiseB } from '../../../test-support/fixtures/adapters.ts';
import { expectClose, maxAbsDifference } from '../../../test-support/checks/expectClose.ts';
import { randomModel } from '../../../test-support/fixtures/randomModel.ts';
import { bootBackend } from '../../engine/backends/backends.ts';
import { architectureFromConfig, type ArchitectureSpec, linearModules } from '../../engine/model/architecture.ts';
import type { Target } from '../../../src-shared/targets.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { countParameters } from '../../engine/model/parameters.ts';
import { Random } from '../../../src-shared/random.ts';
import { createLora, LoraAdapter, makePair, type LoraOptions } from './lora.ts';
import { adaptedModules } from '../targets.ts';

const LLAMA = {
  model_type: 'llama',
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 32,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
};
const GPT2 = { model_type: 'gpt2', n_embd: 16, n_head: 4, n_layer: 2, n_positions: 64, vocab_size: 32 };
const PHI3 = { ...LLAMA, model_type: 'phi3' };
const OPTIONS: LoraOptions = { rank: 4, alpha: 8, dropout: 0, targets: ['q', 'v'], init: 'kaiming' };
const ids = [1, 5, 9, 30, 2, 7];

beforeAll(async () => void (await bootBackend('tensorflow')));

async function logitsOf(model: Decoder): Promise<Float32Array> {
  const logits = tf.tidy(() => model.logits(model.hidden(ids, 1, ids.length)));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}

describe.each([
  ['llama', LLAMA, ['q', 'k', 'v', 'o', 'gate', 'up', 'down']],
  ['gpt2', GPT2, ['q', 'k', 'v', 'o', 'fc', 'proj']],
  ['gpt2 fused', GPT2, ['qkv']],
  ['qwen3', { ...LLAMA, model_type: 'qwen3', head_dim: 8 }, ['q', 'k', 'v', 'o', 'gate', 'up', 'down']],
  ['gemma2', { ...LLAMA, model_type: 'gemma2', head_dim: 8 }, ['q', 'k', 'v', 'o', 'gate', 'up', 'down']],
  ['phi3', PHI3, ['q', 'k', 'v', 'o', 'gate', 'up', 'down']],
  ['phi3 fused', PHI3, ['qkv', 'gate_up']],
  ['gpt_neox', { ...LLAMA, model_type: 'gpt_neox', rotary_pct: 0.5 }, ['qkv', 'o', 'fc', 'proj']],
] as const)('an adapter on %s', (_, config, targets) => {
  const spec = architectureFromConfig(config);
  const options: LoraOptions = { ...OPTIONS, targets: [...targets] };
  let model: Decoder;
  let adapter: LoraAdapter;
  beforeEach(() => {
    model = randomModel(spec, 1);
    adapter = createLora(spec, options, 7);
  });
  afterEach(() => {
    adapter.dispose();
    model.dispose();
  });

  it('trains r(in + out) values per matrix', () => {
    const sizes = linearModules(spec).filter(({ target }) => options.targets!.includes(target));
    expect(sizes).toHaveLength(2 * targets.length);
    expect(countParameters(adapter.parameters())).toBe(
      sizes.reduce((sum, { inFeatures, outFeatures }) => sum + 4 * (inFeatures + outFeatures), 0),
    );
  });

  it('equals the base exactly while B is 0, and differs through every single target once it is not', async () => {
    const base = await logitsOf(model);
    expect([...(await logitsOf(model.with(adapter)))]).toEqual([...base]);
    randomiseB(adapter, 3);
    for (const target of targets) {
      const part = new LoraAdapter(adapter.pairs.filter(({ module }) => module.target === target));
      expect(maxAbsDifference(await logitsOf(model.with(part)), base), target).toBeGreaterThan(1e-3);
    }
  });

  it('adds (alpha/r)·BA to the weight it adapts', async () => {
    randomiseB(adapter, 3);
    const { module, A, B, scale } = adapter.pairs.at(-1)!;
    expect(scale).toBe(2);
    const x = tf.randomNormal<tf.Rank.R2>([3, module.inFeatures], 0, 1, 'float32', 1);
    const got = tf.tidy(() =>
      adapter.linear(tf.zeros([3, module.outFeatures]), x, model.inUse(module.layer, module.target)),
    );
    const [xs, a, b] = [await x.array(), (await A.value.array()) as number[][], (await B.value.array()) as number[][]];
    const want = xs.flatMap((row) =>
      b.map(
        (bRow) => 2 * bRow.reduce((sum, value, k) => sum + value * row.reduce((s, v, i) => s + v * a[k]![i]!, 0), 0),
      ),
    );
    expectClose(await got.data(), want, { rtol: 1e-5, atol: 1e-5 });
    tf.dispose([x, got]);
  });
});

describe('refuses', () => {
  const [llama, gpt2, phi3] = [LLAMA, GPT2, PHI3].map(architectureFromConfig) as [
    ArchitectureSpec,
    ArchitectureSpec,
    ArchitectureSpec,
  ];
  it.each<[string, ArchitectureSpec, string[], number, string, RegExp]>([
    ['an unknown target', llama, ['q', 'fc'], 4, 'UNKNOWN_TARGET', /Target fc does not exist in a llama model/],
    ['no target at all', llama, [], 4, 'UNKNOWN_TARGET', /\(none\)/],
    ['qkv together with q', gpt2, ['qkv', 'q'], 4, 'TARGET_OVERLAP', /either qkv or/],
    ['gate_up together with up', phi3, ['gate_up', 'up'], 4, 'TARGET_OVERLAP', /either gate_up or/],
    ['rank 0', llama, ['q'], 0, 'BAD_RANK', /Rank 0 .*from 1 to 16/],
    ['half a rank', llama, ['q'], 1.5, 'BAD_RANK', /Rank 1\.5/],
    ['a rank above the narrowest matrix', llama, ['q', 'v'], 9, 'BAD_RANK', /target v \(16 in, 8 out\).*from 1 to 8/],
  ])('%s', (_, spec, targets, rank, code, says) => {
    const attempt = (): unknown => adaptedModules(spec, { targets: targets as Target[], rank });
    expect(attempt).toThrow(GraftError);
    expect(attempt).toThrow(
      expect.objectContaining({ code, kind: 'usage', message: expect.stringMatching(says) as string }),
    );
  });

  it('nothing at the largest rank that fits', () => {
    expect(adaptedModules(llama, { targets: ['q', 'v'], rank: 8 })).toHaveLength(4);
  });
});

describe('initial values', () => {
  // One wide layer gives enough samples: A is (8, 4096).
  const spec = architectureFromConfig({
    ...LLAMA,
    hidden_size: 4096,
    num_attention_heads: 64,
    num_key_value_heads: 64,
    num_hidden_layers: 1,
  });
  const initialA = async (init: LoraOptions['init'], seed: number, target: Target = 'q'): Promise<Float32Array> => {
    const adapter = createLora(spec, { ...OPTIONS, rank: 8, targets: [target], init }, seed);
    const values = (await adapter.pairs[0]!.A.value.data()) as Float32Array;
    expect(Math.max(...(await adapter.pairs[0]!.B.value.data()))).toBe(0);
    adapter.dispose();
    return values;
  };
  const mean = (values: Float32Array, f: (x: number) => number): number =>
    values.reduce((sum, x) => sum + f(x), 0) / values.length;

  it('gaussian: mean 0, variance 1/r, and normal tails', async () => {
    const A = await initialA('gaussian', 1);
    const n = A.length;
    expect(Math.abs(mean(A, (x) => x))).toBeLessThan((4 * Math.sqrt(1 / 8)) / Math.sqrt(n));
    expect(Math.abs(mean(A, (x) => x * x) * 8 - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(mean(A, (x) => x ** 4) * 64 - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
  });

  it('kaiming: uniform up to 1/sqrt(in)', async () => {
    const A = await initialA('kaiming', 1);
    const bound = 1 / Math.sqrt(4096);
    const largest = A.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.999 * bound);
    expect(Math.abs(mean(A, (x) => x) / bound)).toBeLessThan(4 / Math.sqrt(3 * A.length));
    expect(Math.abs((3 * mean(A, (x) => x * x)) / bound ** 2 - 1)).toBeLessThan(4 * Math.sqrt(0.8 / A.length));
  });

  it('the same seed gives the same values, another seed or another matrix others', async () => {
    const first = await initialA('gaussian', 1);
    expect([...(await initialA('gaussian', 1))]).toEqual([...first]);
    for (const other of [await initialA('gaussian', 2), await initialA('gaussian', 1, 'k')]) {
      const correlation = other.reduce((sum, x, i) => sum + x * first[i]!, 0) / (first.length / 8);
      expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(first.length));
    }
  });
});

describe('dropout', () => {
  const module = { ...linearModules(architectureFromConfig(LLAMA))[0]!, inFeatures: 64, outFeatures: 64 };
  const identity = Float32Array.from({ length: 64 * 64 }, (_, i) => (i % 65 === 0 ? 1 : 0));
  /** With A = B = I the layer's output is its dropped-out input, here of ones. */
  const output = async (adapter: LoraAdapter): Promise<Float32Array> => {
    const y = tf.tidy(() =>
      adapter.linear(tf.zeros([200, 64]), tf.ones([200, 64]), { module, weight: { name: '', value: tf.scalar(0) } }),
    );
    const values = (await y.data()) as Float32Array;
    y.dispose();
    return values;
  };

  it('keeps the mean, drops the share asked for, repeats with its seed, and is off without', async () => {
    const adapter = new LoraAdapter([makePair(module, identity, identity, 64, 1)]);
    expect([...new Set(await output(adapter))]).toEqual([1]);
    const withSeed = (seed: number): Promise<Float32Array> => {
      adapter.dropout = { rate: 0.25, random: new Random(seed) };
      return output(adapter);
    };
    const first = await withSeed(1);
    const n = first.length;
    expect([...new Set(first)].sort()).toEqual([0, Math.fround(1 / 0.75)]);
    expect(Math.abs(first.filter((x) => x === 0).length - 0.25 * n)).toBeLessThan(4 * Math.sqrt(n * 0.25 * 0.75));
    expect(Math.abs(first.reduce((a, b) => a + b, 0) / n - 1)).toBeLessThan(4 * Math.sqrt(1 / 3 / n));
    expect([...(await withSeed(1))]).toEqual([...first]);
    expect([...(await withSeed(2))]).not.toEqual([...first]);
    adapter.dropout = null;
    expect([...new Set(await output(adapter))]).toEqual([1]);
    adapter.dispose();
  });
});
