/** Every type byte for byte against ggml_quantize_chunk, on values that invite mistakes. */
import { describe, expect, it } from 'vitest';
import { hasGgml, openGgml } from '../../llamacpp/ggml.ts';
import { Random } from '../../../src-shared/random.ts';
import { GGML_TYPES, rowBytes } from '../ggmlTypes.ts';
import { encodersFor, OWN_TYPES } from './encode.ts';
import { plannedType, type TypeChoice } from './planTypes.ts';

const WIDTH = 256;

/** Rows of different magnitudes; zeros of both signs; equal extremes of either sign; ties; subnormals. */
function rows(): Float32Array {
  const random = Random.stream(5, 'rows');
  const spread = Array.from({ length: 24 }, (_, i) => random.normal(WIDTH, 10 ** (i / 2 - 8)));
  const special = [
    new Float32Array(WIDTH),
    new Float32Array(WIDTH).fill(-0),
    Float32Array.from({ length: WIDTH }, (_, i) => (i % 2 === 0 ? 1 : -1)),
    Float32Array.from({ length: WIDTH }, (_, i) => (i % 2 === 0 ? -1 : 1)),
    Float32Array.from({ length: WIDTH }, (_, i) => (i % 33) / 2 - 8),
    Float32Array.from({ length: WIDTH }, (_, i) => (i % 255) - 127 + 0.5),
    Float32Array.from({ length: WIDTH }, (_, i) => 2 ** (-24 + (i % 12)) * (i % 3)),
    Float32Array.from({ length: WIDTH }, (_, i) => 1e-42 * i),
  ];
  return Float32Array.from([...spread, ...special].flatMap((row) => Array.from(row)));
}

const note = hasGgml() ? '' : ' (skipped: no prebuilt ggml)';

describe.skipIf(!hasGgml())(`bytes of ggml_quantize_chunk${note}`, () => {
  it.each(OWN_TYPES)('%s, which is our own', async (type) => {
    const values = rows();
    const want = new Uint8Array((values.length / WIDTH) * rowBytes(type, WIDTH));
    await (await openGgml()).quantise(GGML_TYPES[type].id, values, WIDTH, want);
    const encode = (await encodersFor([type]))(type);
    expect(Buffer.from(await encode(values, WIDTH, 't')).equals(want)).toBe(true);
  });
});

it.skipIf(!hasGgml())(`many rows on several threads have the bytes of one thread${note}`, async () => {
  const values = Random.stream(6, 'many').normal(4096 * WIDTH, 1);
  const ggml = await openGgml();
  for (const type of ['Q4_K', 'Q6_K'] as const) {
    const [{ id }, bytes] = [GGML_TYPES[type], rowBytes(type, WIDTH)];
    const together = new Uint8Array(4096 * bytes);
    await ggml.quantise(id, values, WIDTH, together);
    for (let row = 0; row < 4096; row += 1024) {
      const alone = new Uint8Array(1024 * bytes);
      await ggml.quantise(id, values.subarray(row * WIDTH, (row + 1024) * WIDTH), WIDTH, alone);
      expect(Buffer.from(together.subarray(row * bytes, (row + 1024) * bytes)).equals(alone)).toBe(true);
    }
  }
});

describe('values that a type cannot hold', () => {
  it.each(OWN_TYPES)('%s: NaN and Inf', async (type) => {
    const encode = (await encodersFor([type]))(type);
    for (const bad of [NaN, Infinity])
      await expect(encode(new Float32Array(32).fill(bad, 3, 4), 32, 'blk.0.attn_q.weight')).rejects.toThrow(
        'Tensor blk.0.attn_q.weight would hold NaN or Inf',
      );
  });

  it.each(['F16', 'Q8_0', 'Q4_0'] as const)('%s: what is beyond its range', async (type) => {
    const encode = (await encodersFor([type]))(type);
    await expect(encode(new Float32Array(32).fill(70_000, 3, 4), 32, 'output.weight')).rejects.toThrow(
      `Tensor output.weight holds 70000, which does not fit ${type}; export as BF16 or F32 instead.`,
    );
  });
});

describe('types where ggml is absent', () => {
  const choice: TypeChoice = { quantise: 'Q4_0', layers: 4, tiedHead: true, is70b: false, hasGgml: false };

  it('Q4_0 gives the head Q8_0 in place of Q6_K, and says why', () => {
    expect(plannedType('token_embd.weight', [256, 64], choice)).toEqual({
      type: 'Q8_0',
      fallback: 'only llama.cpp’s own library makes Q6_K',
    });
    expect(plannedType('blk.0.attn_q.weight', [256, 256], choice)).toEqual({ type: 'Q4_0' });
  });

  it('rows that are no blocks are F16, and the plan says why', () => {
    expect(plannedType('blk.0.attn_q.weight', [40, 256], choice)).toEqual({
      type: 'F16',
      fallback: 'rows of 40 values are no multiple of Q4_0’s block of 32',
    });
  });
});
