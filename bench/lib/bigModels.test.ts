/** Random checkpoints in real shapes: their size beside the published one, and what stands in the files. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { bigConfig, billionsOf, writeBigModel } from './bigModels.ts';
import type { BigShape } from './bigShapes.ts';
import { writeUnpacked } from './unpackedModel.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-big-models-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Numbers of parameters on the models' pages of the hub. */
const PUBLISHED: Partial<Record<BigShape, number>> = {
  'tinyllama-1.1b': 1_100_048_384,
  'llama-3.2-1b': 1_235_814_400,
  'llama-3.2-3b': 3_212_749_824,
  'llama-3-8b': 8_030_261_248,
  'qwen2.5-7b': 7_615_616_512,
  'gemma-2-9b': 9_241_705_984,
};

it.each(Object.entries(PUBLISHED))('%s has as many weights as the published model', (shape, weights) => {
  expect(Math.round(billionsOf(shape as BigShape) * 1e9)).toBe(weights);
});

describe('a checkpoint', () => {
  it('comes in shards with an index, in bfloat16, and no two rows of a matrix are the same', async () => {
    const dir = path.join(folder, 'tiny');
    await writeBigModel(dir, bigConfig('tiny', 2), 200_000);
    const index = JSON.parse(fs.readFileSync(path.join(dir, 'model.safetensors.index.json'), 'utf8')) as {
      metadata: { total_size: number };
      weight_map: Record<string, string>;
    };
    const files = fs.readdirSync(dir).filter((name) => name.endsWith('.safetensors'));
    expect(files.length).toBeGreaterThan(1);
    expect(files.sort()).toEqual([...new Set(Object.values(index.weight_map))].sort());
    const base = openBaseModel(dir);
    try {
      expect(base.spec.layers).toBe(2);
      const bytes = [...base.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
      expect(index.metadata.total_size).toBe(bytes);
      expect(new Set([...base.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['BF16']));
      const values = base.readF32('model.embed_tokens.weight');
      const rows = Array.from({ length: 512 }, (_, r) => values.subarray(r * 64, (r + 1) * 64).join());
      expect(new Set(rows).size).toBe(512);
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
      expect(deviation).toBeCloseTo(0.02, 3);
      expect(base.readF32('model.norm.weight')).toEqual(new Float32Array(64).fill(1));
    } finally {
      base.close();
    }
  });

  it("unpacked holds each row of int8 within half a step of its largest value, and a block's NF4 levels", async () => {
    const [dir, out] = [path.join(folder, 'packed'), path.join(folder, 'unpacked')];
    await writeBigModel(dir, bigConfig('tiny', 1));
    await writeUnpacked(dir, out, { layers: 'nf4', embedding: 'int8' });
    const [before, after] = [openBaseModel(dir), openBaseModel(out)];
    try {
      const [x, y] = [before.readF32('lm_head.weight'), after.readF32('lm_head.weight')];
      for (let r = 0; r < 512; r++) {
        const row = x.subarray(r * 64, (r + 1) * 64);
        const step = Math.max(...row.map(Math.abs)) / 127;
        row.forEach((value, c) => expect(Math.abs(value - y[r * 64 + c]!)).toBeLessThanOrEqual(step * 0.5001));
      }
      const block = after.readF32('model.layers.0.self_attn.q_proj.weight').subarray(0, 64);
      expect(new Set(block).size).toBeLessThanOrEqual(16);
      expect(after.readF32('model.norm.weight')).toEqual(before.readF32('model.norm.weight'));
    } finally {
      before.close();
      after.close();
    }
  });
});
