/** Forms and pieces of real models' weights, against sizes worked out by hand. */
import { describe, expect, it } from 'vitest';
import { expectedTensors } from '../../basemodel/expectedTensors.ts';
import { architectureFromConfig } from './architecture.ts';
import { weightForm, weightLayout } from './weightLayout.ts';

const MIB = 2 ** 20;
const LLAMA_3_8B = architectureFromConfig({
  model_type: 'llama',
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 14336,
  vocab_size: 128256,
  max_position_embeddings: 8192,
  tie_word_embeddings: false,
});
const layoutOf = (forms: Parameters<typeof weightLayout>[2], mostBytes: number): ReturnType<typeof weightLayout> =>
  weightLayout(
    LLAMA_3_8B,
    expectedTensors(LLAMA_3_8B, {}).map(({ name, shape }) => [name, { shape }]),
    forms,
    mostBytes,
  );

describe('Llama-3-8B', () => {
  it('with NF4 layers and an int8 embedding and head', () => {
    const layout = layoutOf({ baseDtype: 'nf4', embeddingDtype: 'int8' }, 128 * MIB);
    const [embedding, head, down, norm] = [
      'model.embed_tokens.weight',
      'lm_head.weight',
      'model.layers.0.mlp.down_proj.weight',
      'model.norm.weight',
    ].map((name) => layout.get(name)!);
    expect([embedding!.dtype, head!.dtype, down!.dtype, norm!.dtype]).toEqual(['int8', 'int8', 'nf4', 'f32']);
    expect(embedding!.bytes).toBe(128256 * (4096 + 4)); // a byte per weight, a scale per row
    expect(down!.bytes / (4096 * 14336)).toBeCloseTo(4.127 / 8, 3);
    expect(down!.pieces).toHaveLength(1);
    for (const { pieces } of layout.values())
      for (const { bytes } of pieces) expect(bytes).toBeLessThanOrEqual(128 * MIB);
    expect([...layout.values()].reduce((sum, { bytes }) => sum + bytes, 0) / 1e9).toBeCloseTo(4.65, 1);
  });

  it('in float32 in as few pieces as 128 MiB allow', () => {
    const layout = layoutOf({}, 128 * MIB);
    // 2,101,346,304 bytes of embedding, 234,881,024 of an MLP matrix
    expect(layout.get('model.embed_tokens.weight')!.pieces).toHaveLength(16);
    expect(layout.get('model.layers.0.mlp.down_proj.weight')!.pieces).toHaveLength(2);
    expect(layout.get('model.layers.0.self_attn.q_proj.weight')!.pieces).toHaveLength(1);
  });

  it('whole where the device sets no limit', () => {
    for (const { pieces } of layoutOf({}, Infinity).values()) expect(pieces).toHaveLength(1);
  });
});

it.each([
  [[10, 3], 'f32', 36, [3, 3, 3, 1]],
  [[10, 3], 'f32', 35, [2, 2, 2, 2, 2]],
  [[10, 5], 'int8', 36, [3, 3, 3, 1]], // two words of values and a scale in a row
  [[300, 4], 'f32', 16 * 200, [192, 108]],
  [[7], 'f32', 8, [7]], // a vector stays whole
  [[3, 100], 'f32', 8, [1, 1, 1]],
] as const)('%j as %s in pieces of %i bytes', (shape, dtype, mostBytes, rows) => {
  const { pieces } = weightForm([...shape], dtype, mostBytes);
  expect(pieces.map((piece) => piece.rows)).toEqual(rows);
  pieces.forEach(({ startRow }, i) => expect(startRow).toBe(rows.slice(0, i).reduce((a, b) => a + b, 0)));
});
