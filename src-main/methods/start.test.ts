/** Every method that adds to the base starts out equal to it, and what does not fit is refused with a way out. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraftError } from '../../src-shared/errors.ts';
import { expectClose, maxAbsDifference } from '../../test-support/checks/expectClose.ts';
import { TABLE_METHODS } from '../../test-support/cases/methodTable.ts';
import { randomModel } from '../../test-support/fixtures/randomModel.ts';
import { checkMethod } from './checkMethod.ts';
import { methodSchema } from '../../src-shared/methods/registry.ts';
import { bootBackend } from '../engine/backends/backends.ts';
import { architectureFromConfig } from '../engine/model/architecture.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import { replaceValue } from '../engine/model/parameters.ts';
import { createPrefix } from './prefix/prefix.ts';

const LLAMA = {
  model_type: 'llama',
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 32,
  max_position_embeddings: 64,
};
const GPT2 = { model_type: 'gpt2', n_embd: 16, n_head: 4, n_layer: 2, n_positions: 64, vocab_size: 32 };
const IDS = [1, 5, 9, 30, 2, 7];

beforeAll(async () => void (await bootBackend('tensorflow')));

async function logitsOf(model: Decoder): Promise<Float32Array> {
  const logits = tf.tidy(() => model.logits(model.hidden(IDS, 1, IDS.length)));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}

const additive = TABLE_METHODS.filter(({ name }) => !name.startsWith('prefix'));
describe.each([
  ['gpt2', GPT2],
  ['llama', LLAMA],
] as const)('%s', (family, config) => {
  it.each(additive.filter(({ needsBiases }) => !needsBiases || family === 'gpt2'))(
    '$name starts as the base, and is not the base once its values change',
    async ({ create }) => {
      const model = randomModel(architectureFromConfig(config), 1);
      const base = await logitsOf(model);
      const adapter = create(model);
      const adapted = model.with(adapter);
      expectClose(await logitsOf(adapted), base, { rtol: 0, atol: 1e-5 });
      for (const parameter of adapter.parameters())
        replaceValue(
          parameter,
          tf.tidy(() => tf.add(parameter.value, tf.randomNormal(parameter.value.shape, 0, 0.3, 'float32', 7))),
        );
      expect(maxAbsDifference(await logitsOf(adapted), base)).toBeGreaterThan(1e-2);
      adapter.dispose();
      model.dispose();
    },
  );

  it("a fresh prefix is that of words of the vocabulary: their embeddings are among the base's", async () => {
    const model = randomModel(architectureFromConfig(config), 1);
    const adapter = createPrefix(model, { kind: 'embedding', prefixLength: 3, infixLength: 1 }, 4);
    const table = [...model.weights.values()]
      .find(({ name }) => /embed_tokens|wte/.test(name))!
      .value.arraySync() as number[][];
    for (const row of adapter.parameters()[0]!.value.arraySync() as number[][]) expect(table).toContainEqual(row);
    adapter.dispose();
    model.dispose();
  });

  it('a prefix of the activations of real words gives the logits of the text with those words in front', async () => {
    const model = randomModel(architectureFromConfig(config), 1);
    const adapter = createPrefix(model, { kind: 'layer', prefixLength: 3, infixLength: 0 }, 4);
    const table = [...model.weights.values()]
      .find(({ name }) => /embed_tokens|wte/.test(name))!
      .value.arraySync() as number[][];
    const first = createPrefix(model, { kind: 'embedding', prefixLength: 3, infixLength: 0 }, 4);
    const words = (first.parameters()[0]!.value.arraySync() as number[][]).map((row) =>
      table.findIndex((other) => other.every((x, i) => x === row[i])),
    );
    const last = async (of: Decoder, ids: number[]): Promise<number[]> => {
      const logits = tf.tidy(() => of.logits(of.hidden(ids, 1, ids.length)));
      const rows = (await logits.array()) as number[][];
      logits.dispose();
      return rows.at(-1)!;
    };
    const want = await last(model, [...words, ...IDS]);
    expectClose(await last(model.with(adapter), [32, 33, 34, ...IDS]), want, { rtol: 0, atol: 1e-5 });
    adapter.dispose();
    first.dispose();
    model.dispose();
  });
});

describe('refuses', () => {
  const [llama, gpt2] = [architectureFromConfig(LLAMA), architectureFromConfig(GPT2)];
  const tensors = ['model.layers.0.self_attn.q_proj.weight', 'model.norm.weight'];
  it.each([
    ['BitFit without biases', llama, { type: 'bitfit' }, 'NO_BIASES', /no biases.*choose LoRA/],
    ['a layer beyond the last', llama, { type: 'lora', layers: [0, 2] }, 'UNKNOWN_LAYER', /Layer 2 .*from 0 to 1/],
    ['full tuning of a layer beyond the last', llama, { type: 'full', layers: [7] }, 'UNKNOWN_LAYER', /Layer 7/],
    [
      'a rank that does not divide, with bat',
      llama,
      { type: 'miss', rank: 3, variant: 'bat' },
      'BAD_RANK',
      /does not divide target q/,
    ],
    [
      'a pattern for a matrix that is not adapted',
      llama,
      { type: 'lora', targets: ['q', 'v'], rankPattern: { up: 2 } },
      'BAD_PATTERN',
      /pattern up/,
    ],
    [
      "a pattern's rank that does not fit",
      llama,
      { type: 'lora', rankPattern: { '1.v': 9 } },
      'BAD_RANK',
      /Rank 9 .*from 1 to 8/,
    ],
    ['PiSSA with DoRA', llama, { type: 'lora', dora: true, init: 'pissa' }, 'METHOD_CLASH', /choose one/],
    ['a bottleneck wider than the model', gpt2, { type: 'adapter', bottleneck: 17 }, 'BAD_BOTTLENECK', /from 1 to 16/],
    ['AdapterDrop of every layer', gpt2, { type: 'adapter', skipLayers: 2 }, 'BAD_SKIP', /at most 1/],
    ['an infix of keys and values', gpt2, { type: 'prefix', infixLength: 1 }, 'BAD_PREFIX', /embedding or layer/],
    ['no virtual token', gpt2, { type: 'prefix', kind: 'layer', prefixLength: 0 }, 'BAD_PREFIX', /at least 1/],
    ['a prefix longer than half the positions', gpt2, { type: 'prefix', prefixLength: 33 }, 'BAD_PREFIX', /at most 32/],
  ] as const)('%s', (_, spec, settings, code, says) => {
    const attempt = (): unknown => checkMethod(spec, tensors, methodSchema.parse(settings));
    expect(attempt).toThrow(GraftError);
    expect(attempt).toThrow(
      expect.objectContaining({ code, kind: 'usage', message: expect.stringMatching(says) as string }),
    );
  });
});
