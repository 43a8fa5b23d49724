/** Scales by PEFT's rules, worked out by hand; which pattern fits is what Python's re says. */
import { expect, it } from 'vitest';
import type { Parts } from './formulas.ts';
import { scalesOf } from './scales.ts';

const PLACE = 'model.layers.0.self_attn.q_proj';
const part = (...shape: number[]): Parts[string] => ({ shape, values: new Float64Array() });
const LORA = { lora_A: part(4, 8), lora_B: part(8, 4) };
const LOKR = { lokr_w1: part(2, 2), lokr_w2: part(4, 4) };

it.each([
  ['nothing', {}, LORA, 2],
  ['null', { r: null, lora_alpha: null, use_rslora: null, alpha_pattern: null, rank_pattern: null }, LORA, 2],
  ["another method's alpha", { alpha: 16 }, LORA, 2],
  ['alpha', { lora_alpha: 32 }, LORA, 8],
  ['rank-stabilised', { use_rslora: true }, LORA, 4],
  ['nothing', {}, LOKR, 1],
  ['null', { r: null, alpha: null }, LOKR, 1],
  ['rank and alpha', { r: 4, alpha: 16 }, LOKR, 4],
  ['rank by pattern', { r: 4, rank_pattern: { q_proj: 2 } }, LOKR, 4],
  ['nothing', {}, { ia3_l: part(8, 1) }, 1],
])('%s is said: %j of %j gives %d', (_, settings, parts: Parts, scale) => {
  expect(scalesOf(settings)(PLACE, parts)).toBe(scale);
});

it.each([
  [{ q_proj: 12 }, 3],
  [{ _proj: 12 }, 2],
  [{ ['x'.repeat(1e6)]: 12 }, 2],
  [{ 'q.proj': 12 }, 3],
  [{ '^q_proj': 12 }, 2],
  [{ '.*layers\\.0\\..*': 12 }, 3],
  [{ '.*layers\\.1\\..*': 12 }, 2],
  [{ 'k_proj|q_proj': 12 }, 3],
  [{ '(?P<part>q|v)_proj': 12 }, 3],
  [{ '(?i)Q_PROJ': 12 }, 3],
  [{ '(?i:Q_PROJ)': 12 }, 3],
  [{ '(?!k)\\w_proj': 12 }, 3],
  [{ '(?!q)\\w_proj': 12 }, 2],
  [{ k_proj: 4, 'q_pro[j]': 12, q_proj: 16 }, 3],
])('alpha_pattern %j: %d', (patterns, scale) => {
  expect(scalesOf({ alpha_pattern: patterns })(PLACE, LORA)).toBe(scale);
});

it('a pattern that takes endless time is followed in linear time, or refused in words', () => {
  const place = 'a'.repeat(40);
  expect(scalesOf({ alpha_pattern: { '(a+)+b': 12 } })(place, LORA)).toBe(2);
  expect(() => scalesOf({ alpha_pattern: { '(?=(a+)+b)a': 12 } })(place, LORA)).toThrowError(
    /^the pattern "\(\?=\(a\+\)\+b\)a" of adapter_config\.json cannot be matched with a+$/,
  );
});
