/**
 * Checkpoints with random weights in the exact shapes of published models, in bfloat16 and in shards as Hugging Face
 * writes them. They are streamed to the disk in memory that no model's size moves, used once, and deleted: 16 GB for
 * Llama 3 8B.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expectedTensors, type ExpectedTensor } from '../../src-main/basemodel/expectedTensors.ts';
import { shardsOf, writeIndex } from '../../src-main/basemodel/shards.ts';
import {
  architectureFromConfig,
  type ArchitectureSpec,
  type ModelConfig,
} from '../../src-main/engine/model/architecture.ts';
import { writeFolderAtomic } from '../../src-main/files/writeWhole.ts';
import { castF32 } from '../../src-main/safetensors/dtype.ts';
import { elementCount } from '../../src-main/safetensors/read.ts';
import { Random } from '../../src-shared/random.ts';
import { writeTinyTokenizer } from '../../test-support/fixtures/tinyTokenizer.ts';
import { BIG_CONFIGS, type BigShape } from './bigShapes.ts';
import { benchFolder } from './models.ts';

/** What transformers splits at unless told otherwise. */
const SHARD_BYTES = 5e9;
/** A prime, so that no two rows of a matrix are the same: row r starts at r·width modulo it. */
const POOL = 4_194_301;
const PIECE_BYTES = 16 << 20;
const DEVIATION = 0.02;
const SEED = 3;

/** The config.json of the shape, with `layers` layers where that is given. */
export function bigConfig(shape: BigShape, layers?: number): ModelConfig {
  return { ...BIG_CONFIGS[shape], ...(layers === undefined ? {} : { num_hidden_layers: layers }) };
}

/** Writes the checkpoint, gives its folder to `work`, and deletes it however that goes. */
export async function withBigModel<T>(
  shape: BigShape,
  layers: number | undefined,
  work: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = path.join(benchFolder(), `${shape}${layers === undefined ? '' : `-${layers}-layers`}-${process.pid}`);
  try {
    await writeBigModel(dir, bigConfig(shape, layers));
    return await work(dir);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

export async function writeBigModel(dir: string, config: ModelConfig, shardBytes = SHARD_BYTES): Promise<void> {
  const spec = architectureFromConfig(config);
  await writeFolderAtomic(dir, async (temporary) => {
    fs.writeFileSync(path.join(temporary, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    writeTinyTokenizer(temporary);
    const tensors = presentTensors(spec, config).map((info) => ({ info, to: 'BF16' as const }));
    const shards = shardsOf(tensors, shardBytes);
    const pool = castF32(new Random(SEED).normal(POOL, DEVIATION), 'BF16');
    for (const { name, tensors } of shards) writeShard(path.join(temporary, name), tensors, pool, spec);
    writeIndex(temporary, shards);
  });
}

/** Of the tensors that may be absent, those that the published checkpoints hold: the biases of Qwen 2 are required. */
function presentTensors(spec: ArchitectureSpec, config: ModelConfig): ExpectedTensor[] {
  return expectedTensors(spec, config).filter(({ optional }) => !optional);
}

/** At the speed of the disk: nothing is hashed or flushed. */
function writeShard(
  file: string,
  tensors: { info: { name: string; shape: number[] } }[],
  pool: Uint8Array,
  spec: ArchitectureSpec,
): void {
  const header: Record<string, object> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const { info } of tensors)
    header[info.name] = { dtype: 'BF16', shape: info.shape, data_offsets: [end, (end += 2 * elementCount(info))] };
  const json = Buffer.from(JSON.stringify(header));
  const text = Buffer.alloc(8 + 8 * Math.ceil(json.length / 8), ' ');
  text.writeBigUInt64LE(BigInt(text.length - 8));
  json.copy(text, 8);
  const fd = fs.openSync(file, 'wx');
  try {
    fs.writeSync(fd, text);
    for (const { info } of tensors) for (const piece of bytesOf(info, pool, spec)) fs.writeSync(fd, piece);
  } finally {
    fs.closeSync(fd);
  }
}

/** A matrix out of the pool; a vector is what a fresh model has there. */
function bytesOf(
  info: { name: string; shape: number[] },
  pool: Uint8Array,
  spec: ArchitectureSpec,
): Iterable<Uint8Array> {
  const count = elementCount(info);
  if (info.shape.length > 1) return repeated(pool, Random.stream(SEED, info.name).integer(POOL) * 2, count * 2);
  const isZero = info.name.endsWith('bias') || spec.normPlusOne;
  return [castF32(new Float32Array(count).fill(isZero ? 0 : 1), 'BF16')];
}

/** `bytes` bytes of the endlessly repeated pool, from byte `from` on, in pieces. */
function* repeated(pool: Uint8Array, from: number, bytes: number): Generator<Uint8Array> {
  let at = from;
  for (let left = bytes; left > 0;) {
    const piece = pool.subarray(at, at + Math.min(left, PIECE_BYTES));
    yield piece;
    left -= piece.length;
    at = (at + piece.length) % pool.length;
  }
}

/** Weights of the model, in thousand millions. */
export function billionsOf(shape: BigShape): number {
  const config = bigConfig(shape);
  const tensors = presentTensors(architectureFromConfig(config), config);
  return tensors.reduce((sum, tensor) => sum + tensor.shape.reduce((a, b) => a * b, 1), 0) / 1e9;
}
