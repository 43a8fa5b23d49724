/** Operations counted one by one at a small size. */
import { expect, it } from 'vitest';
import { attentionFlops, productFlops } from './kernels.ts';

it('a product multiplies and adds once per pair', () => {
  let count = 0;
  for (let n = 0; n < 3; n++) for (let m = 0; m < 5; m++) for (let k = 0; k < 7; k++) count += 2;
  expect(productFlops({ n: 3, inner: 7, width: 5 })).toBe(count);
});

it('causal attention counts the visible half of two products, and of five more going back', () => {
  const size = { batch: 2, heads: 3, kvHeads: 1, length: 64, width: 16 };
  let visible = 0;
  for (let t = 0; t < size.length; t++) visible += t + 1;
  const one = size.batch * size.heads * visible * 2 * size.width;
  const near = (flops: number, products: number): void =>
    expect(Math.abs(flops / (products * one) - 1)).toBeLessThan(1 / size.length);
  near(attentionFlops({ ...size, backward: false }), 2);
  near(attentionFlops({ ...size, backward: true }), 7);
});
