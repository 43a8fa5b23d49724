import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { openBaseModel } from './baseModel.ts';
import { castF32 } from '../safetensors/dtype.ts';
import { describeBaseModel } from './details.ts';
import { writeSafetensors, type TensorEntry } from '../safetensors/write.ts';
import { temporaryFolder, TINY_CONFIG, tinyEntries, values, writeTiny } from '../../test-support/fixtures/folders.ts';

/** Opens, so that the error of a bad folder is thrown; closes otherwise. */
function tryOpen(dir: string): void {
  openBaseModel(dir).close();
}
const fails = (code: string, text: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(text) });
const tensor = (name: string, shape: number[]): TensorEntry => ({
  name,
  shape,
  dtype: 'F32',
  data: () =>
    castF32(
      values(
        shape.reduce((a, b) => a * b),
        7,
      ),
      'F32',
    ),
});

/** Files below `dir` that this process has open (Linux). */
function openBelow(dir: string): string[] {
  return fs
    .readdirSync('/proc/self/fd')
    .flatMap((fd) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return []; // the descriptor of readdir itself is closed by now
      }
    })
    .filter((file) => file.startsWith(dir));
}

describe('reference checkpoints', () => {
  const gpt2 = 'golden/gpt2/base_hubkeys';
  it.skipIf(!hasShared(gpt2))(
    `reads the hub's GPT-2 names as the prefixed ones, without mask buffers${skipNote(gpt2)}`,
    () => {
      const hub = openBaseModel(sharedPath(gpt2));
      const base = openBaseModel(sharedPath('golden/gpt2/base'));
      expect([...hub.tensors.keys()].sort()).toEqual([...base.tensors.keys()].sort());
      for (const name of base.tensors.keys()) expect(hub.readF32(name)).toEqual(base.readF32(name));
      expect(hub.tensors.get('transformer.wte.weight')!.originalName).toBe('wte.weight');
      expect(describeBaseModel(hub)).toMatchObject({
        family: 'gpt2',
        parameters: describeBaseModel(base).parameters,
        tiedHead: true,
        tokenizer: false,
      });
      hub.close();
      base.close();
    },
  );

  // Counts by the closed formula, from the numbers of config.json.
  const C = 64,
    F = 160,
    V = 256,
    KV = 32;
  const block = 2 * C * C + 2 * C * KV + 3 * C * F + 2 * C;
  it.skipIf(!hasShared('golden')).each([
    ['golden/llama/base', 2 * V * C + 3 * block + C, 'F32', false],
    ['golden/llama_rope3/base', V * C + 2 * block + C, 'F32', true],
    ['golden/qwen2/base', V * C + 2 * (block + C + 2 * KV) + C, 'BF16', true],
  ])(`%s has the parameters of the formula${skipNote('golden')}`, (folder, parameters, dtype, tiedHead) => {
    const base = openBaseModel(sharedPath(folder));
    expect(describeBaseModel(base)).toMatchObject({ parameters, dtype, tiedHead, hidden: C, vocab: V });
    base.close();
  });
});

describe('names', () => {
  it('a tied model does not read the copy of its head that the file carries; an untied one must have it', async () => {
    const embedding = tinyEntries().find(({ name }) => name === 'model.embed_tokens.weight')!;
    const dir = await writeTiny(path.join(temporaryFolder(), 'm'), [
      ...tinyEntries(),
      { ...embedding, name: 'lm_head.weight' },
    ]);
    const base = openBaseModel(dir);
    expect(base.has('lm_head.weight')).toBe(false);
    expect(base.files[0]!.tensors.has('lm_head.weight')).toBe(true);
    base.close();
    fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify({ ...TINY_CONFIG, tie_word_embeddings: false }));
    const untied = openBaseModel(dir);
    expect(untied.shape('lm_head.weight')).toEqual([16, 8]);
    untied.close();
  });

  it('a bias is needed where the config says so, and refused where it does not', async () => {
    const dir = temporaryFolder();
    const bias = tensor('model.layers.0.self_attn.q_proj.bias', [8]);
    const unannounced = await writeTiny(path.join(dir, 'a'), [...tinyEntries(), bias]);
    expect(() => tryOpen(unannounced)).toThrowError(
      fails('CHECKPOINT_CONFIG', `${bias.name}, but a llama model has none there`),
    );
    const strict = await writeTiny(path.join(dir, 'b'), [...tinyEntries(), bias], {
      ...TINY_CONFIG,
      attention_bias: true,
    });
    expect(() => tryOpen(strict)).toThrowError(
      fails('CHECKPOINT_TENSOR_MISSING', 'model.layers.0.self_attn.k_proj.bias of shape [4]'),
    );
    const wrong = await writeTiny(path.join(dir, 'c'), [...tinyEntries(), tensor(bias.name, [7])]);
    expect(() => tryOpen(wrong)).toThrowError(
      fails('CHECKPOINT_TENSOR_SHAPE', 'shape [7], but config.json asks for [8]'),
    );
  });
});

describe('bad folders, each one sentence', () => {
  it('no folder, a file, no config, a broken config, an unknown architecture', () => {
    const dir = temporaryFolder();
    const config = path.join(dir, 'config.json');
    expect(() => tryOpen(path.join(dir, 'none'))).toThrowError(fails('CHECKPOINT_NOT_FOUND', 'none does not exist'));
    expect(() => tryOpen(dir)).toThrowError(fails('CHECKPOINT_NO_CONFIG', 'no config.json'));
    fs.writeFileSync(config, '{"model_type":');
    expect(() => tryOpen(config)).toThrowError(fails('CHECKPOINT_NOT_A_FOLDER', 'not a folder'));
    expect(() => tryOpen(dir)).toThrowError(fails('CHECKPOINT_CONFIG', 'config.json is not valid JSON'));
    fs.writeFileSync(config, JSON.stringify({ model_type: 'mamba' }));
    expect(() => tryOpen(dir)).toThrowError(fails('UNKNOWN_ARCHITECTURE', 'mamba'));
  });

  it('no weights, only those of other programs, a truncated file', async () => {
    const dir = await writeTiny(path.join(temporaryFolder(), 'm'));
    const weights = path.join(dir, 'model.safetensors');
    fs.truncateSync(weights, fs.statSync(weights).size - 10);
    expect(() => tryOpen(dir)).toThrowError(fails('SAFETENSORS_TRUNCATED', weights));
    fs.rmSync(weights);
    expect(() => tryOpen(dir)).toThrowError(fails('CHECKPOINT_NO_WEIGHTS', 'neither model.safetensors'));
    fs.writeFileSync(path.join(dir, 'tf_model.h5'), '');
    expect(() => tryOpen(dir)).toThrowError(fails('CHECKPOINT_NOT_SAFETENSORS', 'only as tf_model.h5'));
    fs.writeFileSync(path.join(dir, 'pytorch_model.bin'), '');
    expect(() => tryOpen(dir)).toThrowError(fails('TORCH_FILE', 'pytorch_model.bin is in none'));
  });

  it.each(['../../evil.bin', 'sub/evil.bin', '..\\evil.bin', 'model.safetensors'])(
    'an index of .bin shards that names %s',
    async (shard) => {
      const dir = await writeTiny(path.join(temporaryFolder(), 'm'));
      fs.rmSync(path.join(dir, 'model.safetensors'));
      const index = { weight_map: { 'model.norm.weight': shard } };
      fs.writeFileSync(path.join(dir, 'pytorch_model.bin.index.json'), JSON.stringify(index));
      expect(() => tryOpen(dir)).toThrowError(
        fails('CHECKPOINT_INDEX', "is not a .bin file of PyTorch's of its folder"),
      );
    },
  );

  it('a missing tensor, a wrong shape, a quantised weight, no tokenizer', async () => {
    const dir = temporaryFolder();
    const norm = 'model.norm.weight';
    const missing = await writeTiny(
      path.join(dir, 'a'),
      tinyEntries().filter(({ name }) => name !== norm),
    );
    expect(() => tryOpen(missing)).toThrowError(
      fails('CHECKPOINT_TENSOR_MISSING', 'lacks tensor model.norm.weight of shape [8]'),
    );
    const shape = await writeTiny(
      path.join(dir, 'b'),
      tinyEntries().map((e) => (e.name === norm ? tensor(norm, [9]) : e)),
    );
    expect(() => tryOpen(shape)).toThrowError(
      fails('CHECKPOINT_TENSOR_SHAPE', 'has shape [9], but config.json asks for [8]'),
    );
    const quantised = await writeTiny(
      path.join(dir, 'c'),
      tinyEntries().map((e) => (e.name === norm ? { ...e, dtype: 'I8' as const, data: () => new Uint8Array(8) } : e)),
    );
    expect(() => tryOpen(quantised)).toThrowError(
      fails('CHECKPOINT_QUANTISED', 'its weights hold model.norm.weight of dtype I8'),
    );
  });

  it('a missing shard, an index that names an absent tensor, a shard outside, a tensor in two shards', async () => {
    const dir = temporaryFolder();
    const entries = tinyEntries();
    fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify(TINY_CONFIG));
    const writeIndex = (map: Record<string, string>): void =>
      fs.writeFileSync(
        path.join(dir, 'model.safetensors.index.json'),
        JSON.stringify({ metadata: { total_size: 1 }, weight_map: map }),
      );
    const map = Object.fromEntries(
      entries.map(({ name }, i) => [name, i < 9 ? 'model-1.safetensors' : 'model-2.safetensors']),
    );
    writeIndex(map);
    await writeSafetensors(path.join(dir, 'model-1.safetensors'), entries.slice(0, 9));
    expect(() => tryOpen(dir)).toThrowError(fails('CHECKPOINT_SHARD_MISSING', 'shard model-2.safetensors'));
    await writeSafetensors(path.join(dir, 'model-2.safetensors'), entries.slice(9));
    tryOpen(dir);
    writeIndex({ ...map, 'model.extra.weight': 'model-1.safetensors' });
    expect(() => tryOpen(dir)).toThrowError(
      fails('CHECKPOINT_INDEX', 'model-1.safetensors holds tensor model.extra.weight, but it does not'),
    );
    writeIndex({ ...map, x: '../model-1.safetensors' });
    expect(() => tryOpen(dir)).toThrowError(fails('CHECKPOINT_INDEX', '"../model-1.safetensors"'));
    writeIndex(map);
    await writeSafetensors(path.join(dir, 'model-2.safetensors'), entries.slice(8));
    expect(() => tryOpen(dir)).toThrowError(fails('CHECKPOINT_TENSOR_TWICE', entries[8]!.name));
  });

  it('leaves no descriptor open when it refuses', async ({ skip }) => {
    if (!fs.existsSync('/proc/self/fd')) return skip('needs /proc to count descriptors');
    const dir = await writeTiny(path.join(temporaryFolder(), 'm'), tinyEntries().slice(1));
    expect(() => tryOpen(dir)).toThrow();
    expect(openBelow(dir)).toEqual([]);
    const good = openBaseModel(await writeTiny(dir));
    expect(openBelow(dir)).toEqual([path.join(dir, 'model.safetensors')]);
    good.close();
    expect(openBelow(dir)).toEqual([]);
  });
});

describe('identity', () => {
  const identify = (dir: string): { hash: string; stamp: string } => {
    const { hash, stamp, close } = openBaseModel(dir);
    close();
    return { hash, stamp };
  };

  it(
    'a copied or touched folder keeps its hash but not its stamp; other weights of the same shape have another ' +
      'hash',
    async () => {
      const dir = temporaryFolder();
      const first = identify(await writeTiny(path.join(dir, 'a')));
      fs.cpSync(path.join(dir, 'a'), path.join(dir, 'b'), { recursive: true });
      fs.utimesSync(path.join(dir, 'b/model.safetensors'), 1, 1);
      const copy = identify(path.join(dir, 'b'));
      expect(copy.hash).toBe(first.hash);
      expect(copy.stamp).not.toBe(first.stamp);
      const changed = tinyEntries().map((e) => (e.name === 'model.norm.weight' ? tensor(e.name, e.shape) : e));
      expect(identify(await writeTiny(path.join(dir, 'c'), changed)).hash).not.toBe(first.hash);
    },
  );
});
