/**
 * Adapters of the starter model whose updates are known by hand: row k of A is a multiple of a unit vector, column k of
 * B too, so that the singular values of dW are the products, and spaces are shared exactly where the vectors are.
 */
import fs from 'node:fs';
import path from 'node:path';
import { REPO } from './host.ts';

export const STARTER_MODEL = path.join(REPO, 'resources', 'starter', 'model');
const LAYERS = 4;
const RANK = 4;
/** Of an adapter with alpha = 2r. */
export const SCALE = 2;

interface Stored {
  shape: number[];
  values: Float32Array;
}

export interface KnownAdapter {
  /** Singular values of dW before the scale, descending, by layer and matrix. */
  values(layer: number, matrix: 'q' | 'v'): readonly number[];
  /** The unit vector of the first row of A, and of the first column of B; the others follow it. */
  first: number;
}

/** Writes q and v of every layer as PEFT does. */
export function writeKnownAdapter(dir: string, { values, first }: KnownAdapter): string {
  const tensors = new Map<string, Stored>();
  const sizes = readTensors(path.join(STARTER_MODEL, 'model.safetensors'));
  for (let layer = 0; layer < LAYERS; layer++) {
    for (const matrix of ['q', 'v'] as const) {
      const module = `model.layers.${layer}.self_attn.${matrix}_proj`;
      const [out, inputs] = sizes.get(`${module}.weight`)!.shape as [number, number];
      const A = { shape: [RANK, inputs], values: new Float32Array(RANK * inputs) };
      const B = { shape: [out, RANK], values: new Float32Array(out * RANK) };
      values(layer, matrix).forEach((value, k) => {
        // The rows of A descend too: their order is that of A's own singular vectors.
        A.values[k * inputs + first + k] = RANK - k;
        B.values[(first + k) * RANK + k] = value / (RANK - k);
      });
      tensors.set(`base_model.model.${module}.lora_A.weight`, A);
      tensors.set(`base_model.model.${module}.lora_B.weight`, B);
    }
  }
  fs.mkdirSync(dir, { recursive: true });
  const config = { peft_type: 'LORA', task_type: 'CAUSAL_LM', r: RANK, lora_alpha: SCALE * RANK };
  const rest = {
    lora_dropout: 0,
    bias: 'none',
    target_modules: ['q_proj', 'v_proj'],
    base_model_name_or_path: 'starter',
  };
  fs.writeFileSync(path.join(dir, 'adapter_config.json'), JSON.stringify({ ...config, ...rest }));
  fs.writeFileSync(path.join(dir, 'adapter_model.safetensors'), safetensors(tensors));
  return dir;
}

/** ||W[from.., from..]||_F of a square part of a weight of the starter model: what W has in those unit vectors. */
export function partNorm(name: string, from: number, side = RANK): number {
  const { shape, values } = readTensors(path.join(STARTER_MODEL, 'model.safetensors')).get(`${name}.weight`)!;
  let sum = 0;
  for (let i = from; i < from + side; i++)
    for (let j = from; j < from + side; j++) sum += values[i * shape[1]! + j]! ** 2;
  return Math.sqrt(sum);
}

function safetensors(tensors: Map<string, Stored>): Buffer {
  const header: Record<string, { dtype: 'F32'; shape: number[]; data_offsets: [number, number] }> = {};
  const parts: Buffer[] = [];
  let at = 0;
  for (const [name, { shape, values }] of tensors) {
    const bytes = Buffer.from(values.buffer);
    header[name] = { dtype: 'F32', shape, data_offsets: [at, (at += bytes.length)] };
    parts.push(bytes);
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...parts]);
}

function readTensors(file: string): Map<string, Stored> {
  const bytes = fs.readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            shape,
            data_offsets: [from, to],
          },
        ]) => {
          const values = Float32Array.from({ length: (to - from) / 4 }, (_, i) =>
            bytes.readFloatLE(start + from + 4 * i),
          );
          return [name, { shape, values }];
        },
      ),
  );
}
