/** A base loaded run by run: the same words as packing each matrix as a whole, out of the checkpoint and the cache. */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openBaseModel, type BaseModel } from '../basemodel/baseModel.ts';
import { bootBackend } from '../engine/backends/backends.ts';
import { parameterShape, piecesOf } from '../engine/model/parameters.ts';
import { disposeWeights, type Weights } from '../engine/model/weights.ts';
import { packMatrix, unpackMatrix } from '../engine/packed/packMatrix.ts';
import { castF32, FLOAT_DTYPES, type DtypeName } from '../safetensors/dtype.ts';
import {
  mountDisk,
  NO_DISK,
  temporaryFolder,
  tinyEntries,
  values,
  writeTiny,
} from '../../test-support/fixtures/folders.ts';
import { writeSafetensors } from '../safetensors/write.ts';
import { loadBase, type BaseLoading } from './loadBase.ts';
import { PackedCache } from './packedCache.ts';

beforeAll(async () => {
  await bootBackend('tensorflow');
});

/** Rows of 70 and 100 values: no whole blocks of nf4, and odd quads. */
const CONFIG = {
  model_type: 'llama',
  hidden_size: 70,
  intermediate_size: 100,
  num_hidden_layers: 2,
  num_attention_heads: 7,
  num_key_value_heads: 7,
  head_dim: 10,
  vocab_size: 90,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: true,
};
const GATE = 'model.layers.0.mlp.gate_proj.weight';

async function tinyBase(dtype: DtypeName = 'bf16', dir = temporaryFolder()): Promise<BaseModel> {
  const base = openBaseModel(await writeTiny(dir, tinyEntries(CONFIG, dtype), CONFIG));
  onTestFinished(() => base.close());
  return base;
}

/** The words of every packed weight, piece by piece. */
function wordsOf(weights: Weights): Record<string, Int32Array> {
  const words: Record<string, Int32Array> = {};
  for (const weight of weights.values())
    for (const piece of piecesOf(weight)) if (piece.packed) words[piece.name] = piece.value.dataSync() as Int32Array;
  return words;
}

async function loadedWords(base: BaseModel, options: BaseLoading): Promise<Record<string, Int32Array>> {
  const weights = await loadBase(base, { runBytes: 4096, ...options });
  const words = wordsOf(weights);
  disposeWeights(weights);
  return words;
}

/** What packing each matrix as a whole gives, from the values that another reader of the file has. */
function expectedWords(base: BaseModel, format: 'f16' | 'bf16' | 'int8' | 'nf4'): Record<string, Int32Array> {
  const words: Record<string, Int32Array> = {};
  for (const [name, { shape }] of base.tensors) {
    if (!/(proj)\.weight$/.test(name)) continue;
    words[name] = packMatrix(name, base.readF32(name), shape[0]!, shape[1]!, format).words;
  }
  return words;
}

describe.each(['f16', 'bf16', 'int8', 'nf4'] as const)('%s', (format) => {
  it.each(['f32', 'f16', 'bf16'] as const)('from %s, in runs of a few rows', async (dtype) => {
    const base = await tinyBase(dtype);
    expect(await loadedWords(base, { baseDtype: format, cache: null })).toEqual(expectedWords(base, format));
  });
});

it('in threads the same', async () => {
  const base = await tinyBase();
  const words = await loadedWords(base, { baseDtype: 'nf4', cache: null, inThreads: true });
  expect(words).toEqual(expectedWords(base, 'nf4'));
});

it('the values are those of the source, within the error of the form', async () => {
  const base = await tinyBase('f16');
  const words = await loadedWords(base, { baseDtype: 'int8', cache: null });
  const [R, C] = base.shape(GATE) as [number, number];
  const got = unpackMatrix({ format: 'int8', R, C, words: words[GATE] as Int32Array<ArrayBuffer> });
  const want = base.readF32(GATE);
  for (let r = 0; r < R; r++) {
    const row = want.subarray(r * C, (r + 1) * C);
    const half = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127 / 2;
    for (let c = 0; c < C; c++) expect(Math.abs(got[r * C + c]! - row[c]!)).toBeLessThanOrEqual(half * 1.0001);
  }
});

it('an embedding in pieces: each is packed by itself, norms stay float32', async () => {
  const base = await tinyBase();
  const weights = await loadBase(base, { embeddingDtype: 'int8', mostBytes: 2600, cache: null, runBytes: 1024 });
  onTestFinished(() => disposeWeights(weights));
  const embedding = weights.get('model.embed_tokens.weight')!;
  expect(parameterShape(embedding)).toEqual([90, 70]);
  expect(piecesOf(embedding).length).toBeGreaterThan(2);
  const whole = base.readF32('model.embed_tokens.weight');
  let row = 0;
  for (const { packed, value, name } of piecesOf(embedding)) {
    const [R, C] = packed!.shape;
    const { words } = packMatrix(name, whole.slice(row * C, (row + R) * C), R, C, 'int8');
    expect(value.dataSync()).toEqual(words);
    row += R;
  }
  expect(row).toBe(90);
  const norm = weights.get('model.norm.weight')!;
  expect([norm.value.dtype, norm.value.dataSync()]).toEqual(['float32', base.readF32('model.norm.weight')]);
});

it('shards', async () => {
  const dir = temporaryFolder();
  const single = await tinyBase('bf16');
  const entries = tinyEntries(CONFIG, 'bf16');
  fs.copyFileSync(path.join(single.dir, 'config.json'), path.join(dir, 'config.json'));
  const parts = [entries.filter((_, i) => i % 2 === 0), entries.filter((_, i) => i % 2 === 1)];
  const weight_map: Record<string, string> = {};
  for (const [i, part] of parts.entries()) {
    const file = `model-0000${i + 1}-of-00002.safetensors`;
    await writeSafetensors(path.join(dir, file), part);
    for (const { name } of part) weight_map[name] = file;
  }
  fs.writeFileSync(path.join(dir, 'model.safetensors.index.json'), JSON.stringify({ weight_map }));
  const base = openBaseModel(dir);
  onTestFinished(() => base.close());
  expect(await loadedWords(base, { baseDtype: 'int8', cache: null })).toEqual(expectedWords(single, 'int8'));
});

it("a .bin file of PyTorch's, whose views do not lie row by row, and a GGUF file are read too", async () => {
  const base = await tinyBase('f32');
  const [R, C] = base.shape(GATE) as [number, number];
  const info = base.tensors.get(GATE)!;
  const turned = new Float32Array(R * C);
  const values = base.readF32(GATE);
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) turned[c * R + r] = values[r * C + c]!;
  fs.writeFileSync(path.join(base.dir, 'turned'), new Uint8Array(turned.buffer));
  const fd = fs.openSync(path.join(base.dir, 'turned'), 'r');
  onTestFinished(() => fs.closeSync(fd));
  const view = { ...info, offset: 0, strides: [1, R], source: { path: 'turned', fd } };
  const coded = {
    ...info,
    coded: {
      type: 'Q',
      read: (into: Float32Array, start: number) => into.set(values.subarray(start, start + into.length)),
    },
  };
  for (const other of [view, coded]) {
    const seen = { ...base, tensors: new Map([...base.tensors, [GATE, other]]) };
    const words = await loadedWords(seen, { baseDtype: 'nf4', cache: null });
    expect(words).toEqual(expectedWords(base, 'nf4'));
  }
});

it('a value that the form cannot hold is refused, names its tensor, and leaves no tensor', async () => {
  const entries = tinyEntries(CONFIG, 'f32').map((entry) =>
    entry.name === GATE
      ? { ...entry, data: () => castF32(values(7000, 1).fill(1e6, 3500, 3501), FLOAT_DTYPES.f32) }
      : entry,
  );
  const base = openBaseModel(await writeTiny(temporaryFolder(), entries, CONFIG));
  onTestFinished(() => base.close());
  const dir = temporaryFolder();
  const before = tf.memory().numTensors;
  for (const inThreads of [false, true]) {
    const loading = loadBase(base, { baseDtype: 'nf4', cache: new PackedCache({ dir }), runBytes: 4096, inThreads });
    await expect(loading).rejects.toMatchObject({ code: 'WEIGHT_OUT_OF_RANGE', details: { tensor: GATE } });
  }
  expect(tf.memory().numTensors).toBe(before);
  expect(filesOf(dir).filter((file) => file.endsWith('.partial'))).toEqual([]);
});

describe('the cache', () => {
  it('the second load reads the same words, and not the checkpoint', async () => {
    const base = await tinyBase('bf16');
    const cache = new PackedCache({ dir: temporaryFolder() });
    const notes: string[] = [];
    const options: BaseLoading = { baseDtype: 'nf4', cache, onNote: (note) => notes.push(note) };
    const first = await loadedWords(base, options);
    expect(first).toEqual(expectedWords(base, 'nf4'));
    changeMiddle(base);
    // Seen by a reader of the file, and not by hash and stamp.
    expect(expectedWords(base, 'nf4')).not.toEqual(first);
    expect(await loadedWords(base, options)).toEqual(first);
    expect(await loadedWords(base, { ...options, inThreads: true })).toEqual(first);
    expect(notes).toEqual([]);
  });

  it('other forms, other files; float16 and bfloat16 are not kept', async () => {
    const base = await tinyBase();
    const cache = new PackedCache({ dir: temporaryFolder() });
    await loadedWords(base, { baseDtype: 'int8', cache });
    const files = filesOf(cache.dir).length;
    expect(files).toBe(14);
    await loadedWords(base, { baseDtype: 'bf16', cache });
    expect(filesOf(cache.dir)).toHaveLength(files);
    expect(await loadedWords(base, { baseDtype: 'nf4', cache })).toEqual(expectedWords(base, 'nf4'));
    expect(filesOf(cache.dir)).toHaveLength(2 * files);
  });

  it('a base whose files were touched is packed anew', async () => {
    const dir = temporaryFolder();
    const base = await tinyBase('bf16', dir);
    const cache = new PackedCache({ dir: temporaryFolder() });
    await loadedWords(base, { baseDtype: 'nf4', cache });
    changeMiddle(base);
    const file = base.files[0]!.file;
    fs.utimesSync(file, new Date(), new Date(2020, 1, 1));
    const again = openBaseModel(dir);
    onTestFinished(() => again.close());
    expect(again.hash).toBe(base.hash);
    expect(await loadedWords(again, { baseDtype: 'nf4', cache })).toEqual(expectedWords(again, 'nf4'));
  });

  it.each<[string, (file: string) => void]>([
    ['cut off', (file) => fs.truncateSync(file, fs.statSync(file).size - 7)],
    ['cut off in its words', (file) => fs.truncateSync(file, 900)],
    ['empty', (file) => fs.truncateSync(file, 0)],
    ['with another byte among its words', (file) => flip(file, 700)],
    ['with another byte in its trailer', (file) => flip(file, fs.statSync(file).size - 30)],
    ['another program made', (file) => fs.writeFileSync(file, 'something else')],
    ['that is a folder', (file) => (fs.rmSync(file), fs.mkdirSync(file))],
    ['of another matrix', (file) => fs.copyFileSync(otherThan(file), file)],
  ])('a file %s is found, removed and made again', async (_, harm) => {
    const base = await tinyBase();
    const cache = new PackedCache({ dir: temporaryFolder() });
    const notes: string[] = [];
    const options: BaseLoading = { baseDtype: 'nf4', cache, onNote: (note) => notes.push(note) };
    const first = await loadedWords(base, options);
    const [file] = filesOf(cache.dir);
    harm(file!);
    expect(await loadedWords(base, options)).toEqual(first);
    expect(notes).toEqual([expect.stringMatching(/^The packed form of model\..* in the cache was damaged, so it is/)]);
    expect(await loadedWords(base, options)).toEqual(first);
    expect(notes).toHaveLength(1);
    expect(filesOf(cache.dir)).toHaveLength(14);
  });

  it('several loads at once', async () => {
    const base = await tinyBase();
    const cache = new PackedCache({ dir: temporaryFolder() });
    const all = await Promise.all([1, 2, 3].map(() => loadedWords(base, { baseDtype: 'nf4', cache, inThreads: true })));
    for (const words of all) expect(words).toEqual(all[0]);
    expect(filesOf(cache.dir)).toHaveLength(14);
  });

  it('a disk that fills up: the load goes on without the cache, and says so', async ({ skip }) => {
    const disk = mountDisk('size=32k');
    if (!disk) return skip(NO_DISK);
    const base = await tinyBase();
    const notes: string[] = [];
    const load = (leftFreeBytes: number): Promise<Record<string, Int32Array>> =>
      loadedWords(base, {
        baseDtype: 'nf4',
        cache: new PackedCache({ dir: path.join(disk, 'packed'), leftFreeBytes }),
        onNote: (note) => notes.push(note),
      });
    // Known before, and met only in the middle.
    expect(await load(0)).toEqual(expectedWords(base, 'nf4'));
    expect(notes).toEqual([
      expect.stringMatching(/^The packed base is not kept .* would need .* free; free some space/),
    ]);
    expect(filesOf(disk)).toEqual([]);
    notes.length = 0;
    expect(await load(-1e9)).toEqual(expectedWords(base, 'nf4'));
    expect(notes).toEqual([expect.stringMatching(/^The packed base is not kept .* its disk is full; free some space/)]);
    expect(filesOf(disk).filter((file) => file.endsWith('.partial'))).toEqual([]);
  });

  it('what is used least recently goes first, and what is larger than the limit is not kept', async () => {
    const dir = temporaryFolder();
    const [old, young] = [await tinyBase('f32'), await tinyBase('bf16')];
    const free = new PackedCache({ dir });
    await loadedWords(old, { baseDtype: 'nf4', cache: free });
    for (const file of filesOf(dir)) fs.utimesSync(file, new Date(2020, 1, 1), new Date(2020, 1, 1));
    const oneBytes = filesOf(dir).reduce((sum, file) => sum + fs.statSync(file).size, 0);
    await loadedWords(young, { baseDtype: 'nf4', cache: new PackedCache({ dir, limitBytes: 1.5 * oneBytes }) });
    const left = filesOf(dir).map((file) => path.basename(path.dirname(file)));
    expect(left.filter((hash) => hash === young.hash)).toHaveLength(14);
    // trailers of files so small weigh something
    expect(filesOf(dir).reduce((sum, file) => sum + fs.statSync(file).size, 0)).toBeLessThan(1.75 * oneBytes);
    expect(left.length).toBeGreaterThan(14);
    const notes: string[] = [];
    const small = new PackedCache({ dir: temporaryFolder(), limitBytes: 1000 });
    await loadedWords(young, { baseDtype: 'nf4', cache: small, onNote: (note) => notes.push(note) });
    expect(notes).toEqual([expect.stringMatching(/^The packed base is not kept .* the cache may hold 1000 bytes\.$/)]);
    expect(filesOf(small.dir)).toEqual([]);
    free.forget(young.hash);
    expect(filesOf(dir).every((file) => path.basename(path.dirname(file)) === old.hash)).toBe(true);
  });
});

it.each([false, true])('called off: no tensor and no half-written file is left (in threads: %s)', async (inThreads) => {
  const base = await tinyBase();
  const dir = temporaryFolder();
  const before = tf.memory().numTensors;
  const off = new AbortController();
  const loading = loadBase(base, {
    baseDtype: 'nf4',
    cache: new PackedCache({ dir }),
    runBytes: 1024,
    inThreads,
    signal: off.signal,
  });
  setImmediate(() => off.abort());
  await expect(loading).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(tf.memory().numTensors).toBe(before);
  expect(filesOf(dir).filter((file) => !file.endsWith('.pack'))).toEqual([]);
});

function filesOf(dir: string): string[] {
  return fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(dir, name))
    .filter((file) => fs.statSync(file).isFile())
    .sort();
}

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at]! ^= 4;
  fs.writeFileSync(file, bytes);
}

const otherThan = (file: string): string => filesOf(path.dirname(file)).find((other) => other !== file)!;

/** Other values where neither hash nor stamp look. */
function changeMiddle({ files, tensors }: BaseModel): void {
  const { file, offset, byteLength } = tensors.get(GATE)!;
  const { atime, mtime } = fs.statSync(file);
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, new Uint8Array(1000), 0, 1000, offset + Math.floor(byteLength / 2));
  fs.closeSync(fd);
  fs.utimesSync(files[0]!.file, atime, mtime);
}

it.each(['f32', 'f16', 'bf16'] as const)(
  'float32 out of %s: large and small weights hold what the file holds',
  async (dtype) => {
    const config = { ...CONFIG, vocab_size: 4000 };
    const base = openBaseModel(await writeTiny(temporaryFolder(), tinyEntries(config, dtype), config));
    onTestFinished(() => base.close());
    const weights = await loadBase(base);
    onTestFinished(() => disposeWeights(weights));
    expect([...weights.keys()].sort()).toEqual([...base.tensors.keys()].sort());
    for (const [name, { value }] of weights) expect(value.dataSync(), name).toEqual(base.readF32(name));
  },
);
