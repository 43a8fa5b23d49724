/** Loading in a process of its own: what it needs of memory, and what is left of one that is killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { expectedTensors } from '../basemodel/expectedTensors.ts';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { bootBackend } from '../engine/backends/backends.ts';
import { architectureFromConfig } from '../engine/model/architecture.ts';
import { disposeWeights } from '../engine/model/weights.ts';
import { packMatrix } from '../engine/packed/packMatrix.ts';
import { castF32 } from '../safetensors/dtype.ts';
import { writeSafetensors } from '../safetensors/write.ts';
import { Random } from '../../src-shared/random.ts';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { loadBase } from './loadBase.ts';
import { PackedCache } from './packedCache.ts';

const CHILD = path.resolve(import.meta.dirname, '../../test-support/rigs/loadInChild.ts');
const MIB = 2 ** 20;

beforeAll(async () => {
  await bootBackend('tensorflow');
});

/** A Llama of one layer in bfloat16 whose matrices hold noise, repeated. */
async function noise(hidden: number, inner: number): Promise<string> {
  const config = {
    model_type: 'llama',
    hidden_size: hidden,
    intermediate_size: inner,
    num_hidden_layers: 1,
    num_attention_heads: 8,
    num_key_value_heads: 8,
    vocab_size: 64,
    max_position_embeddings: 32,
    rms_norm_eps: 1e-5,
    hidden_act: 'silu',
    tie_word_embeddings: true,
  };
  const pool = castF32(new Random(5).normal(hidden, 0.02), 'BF16');
  const dir = temporaryFolder();
  fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
  const entries = expectedTensors(architectureFromConfig(config), config)
    .filter(({ optional }) => !optional)
    .map(({ name, shape }) => {
      const count = shape.reduce((a, b) => a * b, 1);
      return { name, shape, dtype: 'BF16' as const, data: () => repeated(pool, 2 * count) };
    });
  await writeSafetensors(path.join(dir, 'model.safetensors'), entries);
  return dir;
}

function* repeated(pool: Uint8Array, bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= pool.length) yield pool.subarray(0, Math.min(left, pool.length));
}

function child(...args: string[]): ChildProcess & { said: () => string } {
  const started = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void started.kill('SIGKILL'));
  let text = '';
  started.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  return Object.assign(started, { said: () => text });
}

const ended = (process: ChildProcess): Promise<unknown> => new Promise((resolve) => process.on('exit', resolve));

it('336 MB of bfloat16 become nf4 with little more memory than the packed words', async () => {
  const dir = await noise(4096, 8192);
  const fileMib = fs.statSync(path.join(dir, 'model.safetensors')).size / MIB;
  expect(fileMib).toBeGreaterThan(315);
  const packing = child(dir, 'nf4', temporaryFolder(), String(2 * MIB));
  expect(await ended(packing)).toBe(0);
  const grownMib = Number(packing.said().split('\n')[1]);
  // The words, two threads, and what a collector leaves on a busy machine; the whole in float32 is twice the file.
  expect(grownMib).toBeLessThan(0.26 * fileMib + 260);
  expect(grownMib).toBeGreaterThan(0.25 * fileMib);
});

it('a process that is killed leaves no broken file; the next load finds nothing wrong and sweeps up', async () => {
  const dir = await noise(1024, 4096);
  const cache = new PackedCache({ dir: temporaryFolder() });
  const packing = child(dir, 'nf4', cache.dir, '4096');
  const over = ended(packing);
  while (namesIn(cache.dir).length < 2) await setTimeout(5);
  packing.kill('SIGKILL');
  await over;
  expect(namesIn(cache.dir).some((name) => name.endsWith('.partial'))).toBe(true);
  const base = openBaseModel(dir);
  onTestFinished(() => base.close());
  const notes: string[] = [];
  const weights = await loadBase(base, { baseDtype: 'nf4', cache, onNote: (note) => notes.push(note) });
  onTestFinished(() => disposeWeights(weights));
  for (const { name, value, packed } of weights.values())
    if (packed) expect(value.dataSync()).toEqual(packMatrix(name, base.readF32(name), ...packed.shape, 'nf4').words);
  expect(notes).toEqual([]);
  expect(namesIn(cache.dir).filter((name) => !name.endsWith('.pack'))).toEqual([]);
  expect(namesIn(cache.dir)).toHaveLength(7);
});

function namesIn(dir: string): string[] {
  const [hash] = fs.readdirSync(dir);
  return hash === undefined ? [] : fs.readdirSync(path.join(dir, hash));
}
