/** What an adapter's own configuration promises, and what is in the file and on the base. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { pair, temporaryFolder, TINY_CONFIG, tinyEntries, writeTiny } from '../../test-support/fixtures/folders.ts';
import { openBaseModel, type BaseModel } from '../basemodel/baseModel.ts';
import { readAdapter } from '../methods/fileRegistry.ts';
import { castF32 } from '../safetensors/dtype.ts';
import { writeSafetensors } from '../safetensors/write.ts';
import { writeAdapterFile, type NamedTensors } from './files.ts';
import { endMatcher, fullMatcher } from './patterns.ts';
import { replacedValues } from './replaced.ts';

const fails = (code: string, text: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string });

/** LoRA of rank 2 at these modules of layers of width 8; `change` of the configuration. */
async function adapter(paths: string[], change: Record<string, unknown> = {}, extra: NamedTensors = new Map()) {
  const tensors: NamedTensors = new Map(extra);
  for (const at of paths)
    for (const [half, matrix] of Object.entries(pair(8, at.includes('v_proj') ? 4 : 8, 2)))
      tensors.set(`base_model.model.${at}.lora_${half}.weight`, matrix as { shape: number[]; data: Float32Array });
  const dir = path.join(temporaryFolder(), 'adapter');
  const config = { peft_type: 'LORA', r: 2, lora_alpha: 4, target_modules: ['q_proj'], ...change };
  await writeAdapterFile(dir, { config, tensors });
  return readAdapter(dir);
}

async function onBase<T>(work: (base: BaseModel) => T): Promise<T> {
  const base = openBaseModel(await writeTiny(path.join(temporaryFolder(), 'model')));
  try {
    return work(base);
  } finally {
    base.close();
  }
}

const q = (layer: number): string => `model.layers.${layer}.self_attn.q_proj`;
const v = (layer: number): string => `model.layers.${layer}.self_attn.v_proj`;

describe('modules', () => {
  it.each<[string, string[], Record<string, unknown>]>([
    ['both layers', [q(0), q(1)], {}],
    ['one layer, as layers_to_transform says', [q(1)], { layers_to_transform: [1] }],
    ['one layer as a number, with the name of the list', [q(1)], { layers_to_transform: 1, layers_pattern: 'layers' }],
    ['one layer by a pattern', [q(1)], { target_modules: '.*\\.1\\..*q_proj' }],
    ['one layer by a pattern with look-ahead', [q(1)], { target_modules: 'model\\.layers\\.(?!0).*q_proj' }],
    ['the full path', [q(1)], { target_modules: [q(1)] }],
    ['two targets less one', [q(0), q(1)], { target_modules: ['q_proj', 'v_proj'], exclude_modules: ['v_proj'] }],
    ['two targets less one by a pattern', [q(0), q(1)], { target_modules: '.*[qv]_proj', exclude_modules: '.*v_proj' }],
    ['whatever is there, where no target is named', [q(0)], { target_modules: null }],
    [
      'a matrix that EVA has left without a rank',
      [q(0), v(0), q(1)],
      { target_modules: ['q_proj', 'v_proj'], init_lora_weights: 'eva' },
    ],
    ['made on the bare model class', ['layers.0.self_attn.q_proj', 'layers.1.self_attn.q_proj'], {}],
  ])('%s', async (_, paths, change) => {
    const stored = await adapter(paths, change);
    expect(await onBase((base) => stored.on(base).cells.length)).toBe(paths.length);
  });

  it.each<[string, string[], Record<string, unknown>, string]>([
    ['fewer layers than the base', [q(0)], {}, `lacks ${q(1)}`],
    ['fewer layers, whatever EVA does', [q(0)], { init_lora_weights: 'eva' }, `lacks ${q(1)}`],
    ['a target without its matrices', [q(0), q(1)], { target_modules: ['q_proj', 'v_proj'] }, `lacks ${v(0)}`],
    [
      'a module that is not named',
      [q(0), q(1), v(0)],
      {},
      `holds ${v(0)}, which its adapter_config.json does not name`,
    ],
    [
      'everything named, one matrix there',
      [q(0)],
      { target_modules: 'all-linear' },
      'lacks model.layers.0.self_attn.k',
    ],
  ])('refuses %s', async (_, paths, change, text) => {
    const stored = await adapter(paths, change);
    await onBase((base) => expect(() => stored.on(base)).toThrowError(fails('PEFT_WEIGHTS', text)));
  });

  it('misses the head or the embedding where they are among the targets', async () => {
    for (const [target, module] of [
      ['lm_head', 'lm_head'],
      ['embed_tokens', 'model.embed_tokens'],
    ] as const) {
      const stored = await adapter([q(0), q(1)], { target_modules: ['q_proj', target] });
      await onBase((base) => expect(() => stored.on(base)).toThrowError(fails('PEFT_WEIGHTS', `lacks ${module},`)));
    }
  });

  it('misses what modules_to_save names, and the tokens that are said to be trained', async () => {
    const saved = await adapter([q(0), q(1)], { modules_to_save: ['down_proj'] });
    const tokens = await adapter([q(0), q(1)], { trainable_token_indices: [3] });
    await onBase((base) => {
      expect(() => saved.on(base)).toThrowError(fails('PEFT_WEIGHTS', 'layers.0.mlp.down_proj.weight is named by'));
      expect(() => tokens.on(base)).toThrowError(fails('PEFT_WEIGHTS', 'lacks the trained tokens'));
    });
  });

  it('trains no token beyond the vocabulary, and no vocabulary of another size', async () => {
    const rows = { shape: [1, 8], data: new Float32Array(8) };
    const name = 'base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta';
    const outside = await adapter([q(0), q(1)], { trainable_token_indices: [99] }, new Map([[name, rows]]));
    const whole = { shape: [20, 8], data: new Float32Array(160) };
    const embedding = 'base_model.model.model.embed_tokens.weight';
    const resized = await adapter([q(0), q(1)], { modules_to_save: ['embed_tokens'] }, new Map([[embedding, whole]]));
    await onBase((base) => {
      expect(() => outside.on(base)).toThrowError(fails('PEFT_WEIGHTS', 'trains token 99 of 16'));
      expect(() => resized.on(base)).toThrowError(fails('PEFT_UNSUPPORTED', 'a vocabulary of 20 tokens'));
    });
  });
});

describe('a head saved along', () => {
  it("of an untied model replaces the base's where it differs", async () => {
    const dir = path.join(temporaryFolder(), 'untied');
    const head = pair(8, 16, 8).B;
    const entry = {
      name: 'lm_head.weight',
      shape: [16, 8],
      dtype: 'F32' as const,
      data: () => castF32(head.data, 'F32'),
    };
    await writeTiny(dir, tinyEntries(), { ...TINY_CONFIG, tie_word_embeddings: false });
    await writeSafetensors(path.join(dir, 'model.safetensors'), [...tinyEntries(), entry]);
    const base = openBaseModel(dir);
    const same = await adapter([q(0), q(1)], {}, new Map([['base_model.model.lm_head.weight', head]]));
    expect(same.on(base).cells).toHaveLength(2);
    const changed = { shape: head.shape, data: head.data.map((value, i) => (i === 77 ? value + 1 : value)) };
    const other = await adapter([q(0), q(1)], {}, new Map([['base_model.model.lm_head.weight', changed]]));
    expect(replacedValues(other.on(base).replaced.get('lm_head.weight')!).data).toEqual(changed.data);
    expect(same.on(base).replaced.size).toBe(0);
    base.close();
  });
});

describe('patterns', () => {
  it.each(['(a+)+$', '(a|a)*b', '(?:a?){40}a{40}b'])('%s is matched in linear time', (pattern) => {
    expect(endMatcher('adapter_config.json', pattern)(`model.${'a'.repeat(5000)}!`)).toBe(false);
  });

  it('what only look-ahead can say is matched too, and given up when it never ends', () => {
    expect(fullMatcher('f', '(?!vision).*q_proj')('text.q_proj')).toBe(true);
    expect(fullMatcher('f', '(?!vision).*q_proj')('vision.q_proj')).toBe(false);
    expect(() => fullMatcher('f', '(?=(a+)+$)b')('a'.repeat(100) + '!')).toThrowError(
      fails('PEFT_CONFIG', 'takes endless time'),
    );
  });

  it.each([
    ['q_proj', 'model.layers.0.self_attn.q_proj', true],
    ['roj', 'model.layers.0.self_attn.q_proj', false],
    ['layers.0.self_attn.q_proj', 'model.layers.0.self_attn.q_proj', true],
    ['layers.0.self_attn.q.proj', 'model.layers.0.self_attn.q_proj', true],
    ['model.layers.0', 'layers.0', false],
  ])('the name %s in %s: %s', (pattern, at, want) => expect(endMatcher('f', pattern)(at)).toBe(want));

  it('refuses what is no pattern', () => {
    expect(() => fullMatcher('f', '(')).toThrowError(fails('PEFT_CONFIG', 'is not a valid regular expression'));
  });
});
