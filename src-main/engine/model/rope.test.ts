/** Frequencies of the rotary embedding, against values computed independently with 30 decimal digits. */
import { expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { architectureFromConfig } from './architecture.ts';
import { ropeFrequencies, ropeOf, ropeTables, type Rope } from './rope.ts';

const llama = (fields: object): Rope =>
  ropeOf(
    architectureFromConfig({
      model_type: 'llama',
      hidden_size: 128,
      num_attention_heads: 1,
      num_hidden_layers: 1,
      intermediate_size: 8,
      vocab_size: 8,
      ...fields,
    }),
    'usual',
  );

it('plain frequencies are theta^(-2i/D)', () => {
  expectClose(ropeFrequencies(llama({ head_dim: 8, rope_theta: 10000 }), 1), [1, 0.1, 0.01, 0.001], {
    rtol: 1e-7,
    atol: 0,
  });
});

it.each([
  [
    'rope_scaling',
    {
      rope_theta: 500000,
      rope_scaling: {
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 8192,
      },
    },
  ],
  [
    'rope_parameters',
    {
      rope_parameters: {
        rope_theta: 500000,
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 8192,
      },
    },
  ],
])("Llama 3.1's frequencies from %s: kept, interpolated, divided by 8", (_, fields) => {
  const frequencies = ropeFrequencies(llama(fields), 1);
  const wanted: Record<number, number> = {
    0: 1,
    1: 0.81461723385654472,
    28: 3.2114459947525909e-3,
    29: 2.16657076350335867e-3,
    30: 1.37189356776113813e-3,
    31: 8.56751412919632077e-4,
    34: 1.7850781276799641e-4,
    35: 9.55621235396468327e-5,
    36: 7.78465527393244983e-5,
    63: 3.06892598891451108e-7,
  };
  expect(frequencies).toHaveLength(64);
  const indices = Object.keys(wanted).map(Number);
  expectClose(
    indices.map((i) => frequencies[i]!),
    indices.map((i) => wanted[i]!),
    { rtol: 1e-7, atol: 0 },
  );
});

it('tables hold cos and sin of position times frequency, row by row', () => {
  const { cos, sin } = ropeTables(llama({ head_dim: 8 }), 100);
  expect(cos).toHaveLength(400);
  for (const [t, i] of [
    [0, 0],
    [1, 0],
    [7, 2],
    [99, 1],
    [99, 3],
  ] as const) {
    const angle = t / 10 ** i;
    // Angles are float32 products, so that they err by up to 2^-24 of themselves.
    expect(Math.abs(cos[t * 4 + i]! - Math.cos(angle))).toBeLessThan(1e-7 * (1 + angle));
    expect(Math.abs(sin[t * 4 + i]! - Math.sin(angle))).toBeLessThan(1e-7 * (1 + angle));
  }
});

it.each([
  ['up to the original length as they are', 2, 20, [1, 0.1, 0.01, 0.001]],
  ['one token beyond it', 2, 33, [1, 9.799946100592892391e-2, 9.603894357452583695e-3, 9.411764705882352941e-4]],
  ['far beyond it', 4, 100, [1, 4.721631957086834212e-2, 2.229380833818364823e-3, 1.052631578947368421e-4]],
] as const)("dynamic NTK's frequencies %s", (_, factor, length, want) => {
  const config = { head_dim: 8, max_position_embeddings: 32, rope_scaling: { type: 'dynamic', factor } };
  expectClose(ropeFrequencies(llama(config), length), want, { rtol: 1e-7, atol: 0 });
});

it('dynamic NTK reads texts that are longer by its factor', () => {
  const config = { model_type: 'llama', hidden_size: 16, num_attention_heads: 2, num_hidden_layers: 1 };
  const sizes = { intermediate_size: 8, vocab_size: 8, max_position_embeddings: 32 };
  expect(
    architectureFromConfig({ ...config, ...sizes, rope_scaling: { type: 'dynamic', factor: 4 } }).maxPositions,
  ).toBe(128);
});
