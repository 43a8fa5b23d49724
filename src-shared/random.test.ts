import { describe, expect, it } from 'vitest';
import { Random, type RandomState } from './random.ts';

const MASK = (1n << 32n) - 1n;

/** xoshiro128** as published, on BigInt. */
function* xoshiro(start: RandomState): Generator<number> {
  let s = start.map((word) => BigInt(word >>> 0));
  const rotl = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & MASK;
  while (true) {
    const [a, b, c, d] = s as [bigint, bigint, bigint, bigint];
    yield Number((rotl((b * 5n) & MASK, 7n) * 9n) & MASK);
    const [c2, d2] = [c ^ a, d ^ b];
    s = [a ^ d2, b ^ c2, c2 ^ ((b << 9n) & MASK), rotl(d2, 11n)];
  }
}

const take = (random: Random, n: number): number[] => Array.from({ length: n }, () => random.nextUint32());

describe('the generator', () => {
  it('is xoshiro128**', () => {
    for (const state of [
      [1, 2, 3, 4],
      [0xffffffff, 0x80000000, 7, 0xdeadbeef],
      new Random(42).state(),
    ] as RandomState[]) {
      const reference = xoshiro(state);
      expect(take(new Random(state), 200)).toEqual(Array.from({ length: 200 }, () => reference.next().value));
    }
    // By hand for the state 1, 2, 3, 4: rotl(2·5, 7)·9.
    expect(new Random([1, 2, 3, 4]).nextUint32()).toBe(11520);
  });

  it('is seeded with four words of SplitMix32', () => {
    const words = Array.from({ length: 4 }, (_, i) => {
      let z = (5n + BigInt(i + 1) * 0x9e3779b9n) & MASK;
      z = ((z ^ (z >> 16n)) * 0x21f0aaadn) & MASK;
      z = ((z ^ (z >> 15n)) * 0x735a2d97n) & MASK;
      return Number(z ^ (z >> 15n));
    });
    expect(new Random(5).state().map((word) => word >>> 0)).toEqual(words);
  });

  it('goes on from a saved state, which later draws do not change', () => {
    const random = new Random(9);
    take(random, 13);
    const saved = JSON.parse(JSON.stringify(random.state())) as RandomState;
    const next = take(random, 20);
    expect(take(new Random(saved), 20)).toEqual(next);
  });

  it('gives named streams that repeat and differ from each other', () => {
    const first = take(Random.stream(1, 'a'), 5);
    expect(take(Random.stream(1, 'a'), 5)).toEqual(first);
    const others = [Random.stream(1, 'b'), Random.stream(3, 'a'), Random.stream(-1, 'a'), Random.stream(1, 'aa')].map(
      (stream) => take(stream, 5).join(),
    );
    expect(new Set([first.join(), ...others]).size).toBe(5);
  });
});

describe('what is drawn', () => {
  const N = 40_000;

  it('integers are uniform below n', () => {
    const counts = new Array<number>(7).fill(0);
    const random = new Random(3);
    for (let i = 0; i < N; i++) counts[random.integer(7)]!++;
    for (const count of counts) expect(Math.abs(count - N / 7)).toBeLessThan(4 * Math.sqrt((N * 6) / 49));
  });

  it('normal values have the mean, variance and tails of N(0, std^2), for odd counts too', () => {
    const values = new Random(4).normal(N + 1, 2);
    expect(values).toHaveLength(N + 1);
    const mean = values.reduce((a, b) => a + b) / N;
    const variance = values.reduce((sum, x) => sum + x * x, 0) / N;
    const beyond = values.filter((x) => Math.abs(x) > 2 * 1.959964).length;
    expect(Math.abs(mean)).toBeLessThan((4 * 2) / Math.sqrt(N));
    expect(Math.abs(variance / 4 - 1)).toBeLessThan(4 * Math.sqrt(2 / N));
    expect(Math.abs(beyond - 0.05 * N)).toBeLessThan(4 * Math.sqrt(N * 0.05 * 0.95));
    let neighbours = 0;
    for (let i = 1; i < N; i++) neighbours += values[i]! * values[i - 1]!;
    expect(Math.abs(neighbours / N / 4)).toBeLessThan(4 / Math.sqrt(N));
  });

  it('every order of a shuffle is equally likely', () => {
    const counts = new Map<string, number>();
    const random = new Random(5);
    for (let i = 0; i < N; i++) {
      const order = random.shuffle(['a', 'b', 'c', 'd']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    for (const count of counts.values())
      expect(Math.abs(count - N / 24)).toBeLessThan(4 * Math.sqrt((N * 23) / 24 ** 2));
  });
});
