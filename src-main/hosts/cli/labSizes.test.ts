import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { writeRandomModel } from '../../basemodel/randomModel.ts';
import { smallestRank } from '../../lab/study/smallestRank.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { sizesFigure } from './sizesFigure.ts';

let dir: string;
beforeAll(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-sizes-'))));
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

it('the smallest rank that is enough, whatever the order and however much better a larger one is', () => {
  const ranks = [
    { rank: 8, loss: 1 },
    { rank: 1, loss: 1.2 },
    { rank: 4, loss: 1.0099 },
    { rank: 2, loss: 1.0101 },
  ];
  expect(smallestRank(ranks, 0.01)).toEqual({ rank: 4, loss: 1.0099 });
  expect(smallestRank(ranks, 0.5)?.rank).toBe(1);
  expect(smallestRank([], 0.01)).toBeNull();
});

it('a model of another width has the layers, heads and tokenizer of the first, and random weights', async () => {
  const from = await writeTinyModel(path.join(dir, 'from')); // 16 wide, MLP 24, 4 heads, 2 of keys
  const wide = path.join(dir, 'wide');
  await writeRandomModel(wide, from, { width: 32, seed: 3 });
  const model = openBaseModel(wide);
  try {
    expect(model.spec).toMatchObject({ layers: 2, heads: 4, kvHeads: 2, hidden: 32, headDim: 8, intermediate: 48 });
    expect(model.shape('model.layers.1.mlp.down_proj.weight')).toEqual([32, 48]);
    const values = model.readF32('model.layers.0.self_attn.q_proj.weight');
    // 1024 values of N(0, 1/32): the mean square is within a tenth of 1/32 (four standard errors).
    const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(Math.abs(32 * square - 1)).toBeLessThan(4 * Math.sqrt(2 / values.length));
  } finally {
    model.close();
  }
  expect(fs.readFileSync(path.join(wide, 'tokenizer.json'))).toEqual(
    fs.readFileSync(path.join(from, 'tokenizer.json')),
  );
  await expect(writeRandomModel(path.join(dir, 'odd'), from, { width: 20, seed: 3 })).rejects.toThrow(
    'A width of 20 cannot be split into 4 heads; give multiples of 8.',
  );
  expect(fs.existsSync(path.join(dir, 'odd'))).toBe(false);
});

it('the figure has a point for each model, higher ranks higher, larger models to the right', () => {
  const svg = sizesFigure(
    [
      { name: 'b <2>', parameters: 4_000_000, rank: 4 },
      { name: 'a', parameters: 100_000, rank: 16 },
    ],
    'Ranks & sizes',
  );
  expect(svg).toContain('>Ranks &amp; sizes<');
  expect(svg).toContain('<title>b &lt;2&gt;: r = 4, 4000000 parameters</title>');
  expect(svg).toMatch(/>100K<[\s\S]*>4\.00M</);
  const points = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
  expect(points).toHaveLength(2);
  const [small, large] = points as [[number, number], [number, number]];
  expect(small[0]).toBeLessThan(large[0]);
  expect(small[1]).toBeLessThan(large[1]);
});
