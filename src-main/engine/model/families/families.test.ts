/** Which config.json is taken for which architecture, and what is refused by the name of its field. */
import { describe, expect, it } from 'vitest';
import { readJson } from '../../../../test-support/goldens/goldens.ts';
import { hasShared, skipNote } from '../../../../test-support/goldens/shared.ts';
import { architectureFromConfig, availableTargets, SUPPORTED_MODEL_TYPES, type ModelConfig } from '../architecture.ts';

const SIZES = {
  hidden_size: 32,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  intermediate_size: 48,
  vocab_size: 32,
  max_position_embeddings: 64,
};
const GPT2 = { model_type: 'gpt2', n_embd: 32, n_head: 4, n_layer: 2, vocab_size: 32 };
const of = (model_type: string, fields: ModelConfig = {}): ModelConfig =>
  model_type === 'gpt2' ? { ...GPT2, ...fields } : { model_type, ...SIZES, ...fields };

describe.skipIf(!hasShared('golden'))(`config.json as transformers 4 and 5 write it${skipNote('golden')}`, () => {
  const GOLDENS = [
    ...['gpt2', 'llama', 'llama_rope3', 'llama_linear', 'llama_yarn', 'qwen2', 'qwen3', 'gemma2'],
    ...['gemma3', 'olmo2', 'smollm3', 'granite', 'phi4mini'],
  ];
  it.each(GOLDENS)('%s is the same', (model) => {
    const [four, five] = ['config.json', 'config.v5.json'].map((file) =>
      architectureFromConfig(readJson<ModelConfig>(`golden/${model}/base/${file}`)),
    );
    expect(five).toEqual(four);
  });
});

describe('what a config.json leaves out', () => {
  it('is what transformers takes it for in Gemma 2', () => {
    expect(architectureFromConfig({ ...of('gemma2'), max_position_embeddings: 8192 })).toMatchObject({
      headDim: 256,
      attentionScale: 1 / 16,
      attentionCap: 50,
      logitCap: 30,
      slidingWindow: { size: 4096, layers: [0, 2] },
      embeddingScale: Math.fround(Math.sqrt(32)),
      tiedHead: true,
    });
  });

  it('is what transformers takes it for in GPT-NeoX', () => {
    expect(architectureFromConfig(of('gpt_neox'))).toMatchObject({
      parallelResidual: true,
      rotaryDim: 2,
      ropeTheta: 10000,
      mlp: 'gelu_exact',
      tiedHead: false,
    });
  });

  it('is what transformers takes it for in Gemma 3, whose files leave out most', () => {
    expect(architectureFromConfig({ model_type: 'gemma3_text', num_hidden_layers: 7, hidden_size: 64 })).toMatchObject({
      ...{ heads: 8, kvHeads: 4, headDim: 256, intermediate: 9216, vocab: 262208, maxPositions: 131072 },
      ...{ ropeTheta: 1e6, localRope: { theta: 1e4, layers: [0, 1, 2, 3, 4, 6] }, attentionScale: 1 / 16 },
      slidingWindow: { size: 4096, layers: [0, 1, 2, 3, 4, 6] },
      tiedHead: true,
    });
  });

  it('is what transformers takes it for in SmolLM3', () => {
    expect(architectureFromConfig({ ...of('smollm3'), num_hidden_layers: 9 })).toMatchObject({
      noRope: [3, 7],
      ropeTheta: 2e6,
      tiedHead: true,
    });
  });

  it('leaves Granite without multipliers, but for that of the scores, which is 1', () => {
    const one = { embeddingScale: 1, residualScale: 1, logitsScaling: 1, attentionScale: 1, tiedHead: false };
    expect(architectureFromConfig(of('granite'))).toMatchObject(one);
  });

  it('leaves Phi-3 without a window', () => {
    expect(architectureFromConfig(of('phi3'))).not.toHaveProperty('slidingWindow');
    expect(architectureFromConfig(of('phi3', { sliding_window: 7 }))).toMatchObject({
      slidingWindow: { size: 7, layers: [0, 1, 2] },
    });
  });
});

it('a multimodal Gemma 3 is its text part, with what the release says of all parts', () => {
  const text = { model_type: 'gemma3_text', num_hidden_layers: 7, hidden_size: 64, tie_word_embeddings: false };
  const release = { model_type: 'gemma3', text_config: text, eos_token_id: [1, 106], hidden_size: 9 };
  expect(architectureFromConfig(release)).toEqual({
    ...architectureFromConfig({ ...text, eos_token_id: [1, 106] }),
    prefix: 'model.language_model.',
    multimodal: true,
  });
});

it('null switches off the caps of Gemma 2', () => {
  const spec = architectureFromConfig(of('gemma2', { attn_logit_softcapping: null, final_logit_softcapping: null }));
  expect(spec).not.toHaveProperty('attentionCap');
  expect(spec).not.toHaveProperty('logitCap');
});

it('reads the share that turns and the base of the angles of GPT-NeoX in both forms', () => {
  const want = { rotaryDim: 4, ropeTheta: 500 };
  expect(architectureFromConfig(of('gpt_neox', { rotary_pct: 0.5, rotary_emb_base: 500 }))).toMatchObject(want);
  expect(
    architectureFromConfig(
      of('gpt_neox', { rope_parameters: { rope_type: 'default', rope_theta: 500, partial_rotary_factor: 0.5 } }),
    ),
  ).toMatchObject(want);
});

describe('rotary fields of both forms side by side', () => {
  const llama = (fields: ModelConfig): unknown => architectureFromConfig(of('llama', fields)).ropeTheta;
  it.each<[string, ModelConfig, number]>([
    ['theta at the top alone', { rope_theta: 500 }, 500],
    ['theta in rope_parameters alone', { rope_parameters: { rope_type: 'default', rope_theta: 500 } }, 500],
    [
      'theta at the top, where rope_parameters has none',
      { rope_theta: 500, rope_parameters: { rope_type: 'default' } },
      500,
    ],
    ['theta in rope_parameters before that at the top', { rope_theta: 9, rope_parameters: { rope_theta: 500 } }, 500],
    [
      'rope_scaling in place of all of rope_parameters',
      {
        rope_theta: 500,
        rope_scaling: { rope_type: 'default' },
        rope_parameters: { rope_type: 'yarn', rope_theta: 9 },
      },
      500,
    ],
    ['an empty or null rope_scaling is none', { rope_scaling: {}, rope_parameters: { rope_theta: 500 } }, 500],
    ['linear by a factor of 1 is no scaling', { rope_theta: 500, rope_scaling: { type: 'linear', factor: 1 } }, 500],
    ['nothing at all', {}, 10000],
  ])('%s', (_, fields, theta) => expect(llama(fields)).toBe(theta));

  it.each<[ModelConfig, string]>([
    [{ rope_scaling: { rope_type: 'ntk' }, rope_parameters: { rope_theta: 500 } }, 'rope_scaling.rope_type'],
    [{ rope_scaling: { rope_type: 'linear' } }, 'factor'],
    [{ rope_scaling: { rope_type: 'yarn', factor: -4 } }, 'factor'],
    [{ rope_parameters: { full_attention: { rope_theta: 500 } } }, 'rope_parameters.full_attention'],
    [{ rope_parameters: { rope_theta: 500, mrope_section: [1, 2] } }, 'rope_parameters.mrope_section'],
    [{ rope_parameters: { rope_theta: 500, partial_rotary_factor: 0.5 } }, 'rope_parameters.partial_rotary_factor'],
    [{ rope_scaling: 'yarn' }, 'rope_scaling'],
    [{ rope_theta: 0 }, 'rope_theta'],
  ])('refuses %j', (fields, field) => {
    expect(() => llama(fields)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ field }) as unknown }),
    );
  });
});

it('layer_types say which layers have a window', () => {
  const layer_types = ['full_attention', 'sliding_attention', 'full_attention'];
  expect(architectureFromConfig(of('qwen3', { sliding_window: 9, layer_types }))).toMatchObject({
    slidingWindow: { size: 9, layers: [1] },
  });
});

it.each([
  ['gpt2', ['q', 'k', 'v', 'qkv', 'o', 'fc', 'proj']],
  ['qwen3', ['q', 'k', 'v', 'o', 'gate', 'up', 'down']],
  ['gemma2', ['q', 'k', 'v', 'o', 'gate', 'up', 'down']],
  ['gemma3_text', ['q', 'k', 'v', 'o', 'gate', 'up', 'down']],
  ['olmo2', ['q', 'k', 'v', 'o', 'gate', 'up', 'down']],
  ['smollm3', ['q', 'k', 'v', 'o', 'gate', 'up', 'down']],
  ['granite', ['q', 'k', 'v', 'o', 'gate', 'up', 'down']],
  ['phi3', ['q', 'k', 'v', 'qkv', 'o', 'gate', 'up', 'gate_up', 'down']],
  ['gpt_neox', ['qkv', 'o', 'fc', 'proj']],
])('targets of %s', (type, targets) => expect(availableTargets(architectureFromConfig(of(type)))).toEqual(targets));

describe('refuses', () => {
  it('an unknown architecture, naming those that it knows', () => {
    for (const type of ['mamba', 'constructor', undefined]) {
      const attempt = (): unknown => architectureFromConfig({ ...SIZES, model_type: type });
      expect(attempt).toThrow(
        expect.objectContaining({
          code: 'UNKNOWN_ARCHITECTURE',
          message: expect.stringContaining(SUPPORTED_MODEL_TYPES.join(', ')) as string,
        }),
      );
    }
    expect(SUPPORTED_MODEL_TYPES).toEqual([
      ...['gpt2', 'llama', 'mistral', 'qwen2', 'qwen3', 'gemma2', 'gemma3_text', 'olmo2', 'smollm3', 'granite'],
      ...['phi3', 'gpt_neox', 'gemma3'],
    ]);
  });

  it.each<[string, ModelConfig, string]>([
    ['llama', { partial_rotary_factor: 0.5 }, 'partial_rotary_factor'],
    ['llama', { attention_multiplier: 0.1 }, 'attention_multiplier'],
    ['llama', { num_local_experts: 8 }, 'num_local_experts'],
    ['llama', { hidden_act: 'relu' }, 'hidden_act'],
    ['llama', { rope_scaling: { rope_type: 'mrope' } }, 'rope_scaling.rope_type'],
    ['llama', { rope_parameters: { rope_type: 'proportional' } }, 'rope_parameters.rope_type'],
    ['llama', { no_rope_layers: [1, 0, 1] }, 'no_rope_layers'],
    ['olmo2', { clip_qkv: 8 }, 'clip_qkv'],
    ['granite', { logits_scaling: 0 }, 'logits_scaling'],
    ['granite', { num_local_experts: 8 }, 'num_local_experts'],
    ['smollm3', { no_rope_layers: [1, 0] }, 'no_rope_layers'],
    ['smollm3', { attention_multiplier: 0.1 }, 'attention_multiplier'],
    ['gemma3_text', { use_bidirectional_attention: true }, 'use_bidirectional_attention'],
    ['gemma3_text', { rope_parameters: { rope_theta: 5 } }, 'rope_parameters.rope_theta'],
    ['llama', { final_logit_softcapping: 30 }, 'final_logit_softcapping'],
    ['phi3', { rope_scaling: { type: 'longrope', long_factor: [1], short_factor: [1] } }, 'rope_scaling.short_factor'],
    ['phi3', { rope_scaling: { type: 'su' } }, 'rope_scaling.short_factor'],
    [
      'phi3',
      {
        original_max_position_embeddings: 32,
        rope_scaling: { type: 'longrope', factor: 4, long_factor: [1, 1, 1, 1], short_factor: [1, 1, 1, 1] },
      },
      'rope_scaling.factor',
    ],
    ['phi3', { partial_rotary_factor: 0.4 }, 'partial_rotary_factor'],
    ['gemma2', { hidden_activation: 'gelu' }, 'hidden_activation'],
    ['gemma2', { query_pre_attn_scalar: 0 }, 'query_pre_attn_scalar'],
    ['gemma2', { use_bidirectional_attention: true }, 'use_bidirectional_attention'],
    ['gemma2', { layer_types: ['full_attention'] }, 'layer_types'],
    ['qwen3', { layer_types: ['full_attention', 'chunked_attention', 'full_attention'] }, 'layer_types'],
    ['gpt_neox', { hidden_act: 'relu' }, 'hidden_act'],
    ['gpt_neox', { num_attention_heads: 5 }, 'num_attention_heads'],
    ['gpt2', { scale_attn_by_inverse_layer_idx: true }, 'scale_attn_by_inverse_layer_idx'],
  ])('%s with %j, naming %s', (type, fields, field) => {
    const attempt = (): unknown => architectureFromConfig(of(type, fields));
    expect(attempt).toThrow(
      expect.objectContaining({
        code: 'BAD_CONFIG',
        details: expect.objectContaining({ field }) as unknown,
        message: expect.stringContaining(`field ${field} is `) as string,
      }),
    );
  });
});
