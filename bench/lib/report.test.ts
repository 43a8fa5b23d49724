/** Ratios and the place of a table inside a document. */
import { describe, expect, it } from 'vitest';
import { withTable } from './report.ts';
import type { Sample } from './otherLoad.ts';
import { makeRow, ratiosOf } from './result.ts';

const work = { amount: 100, unit: 'tokens/s' };
const samples = (otherShare: number, ...times: number[]): Sample[] => times.map((ms) => ({ ms, otherShare }));
const graft = makeRow('a', 'Graft', samples(0, 100, 200, 300), work, 50);
const rival = makeRow('a', 'Rival', samples(0, 200, 300, 400), work, 200);

describe('ratiosOf', () => {
  it('compares with Graft in the same variant only', () => {
    expect(ratiosOf(rival, [graft, rival])).toEqual({ speed: 1.5, memory: 0.25, disturbed: false });
    expect(ratiosOf({ ...rival, variant: 'b' }, [graft, rival])).toBeNull();
    expect(ratiosOf(graft, [graft, rival])).toBeNull();
  });

  it('leaves disturbed samples out, and gives no speed where there are no others', () => {
    const mixed = makeRow('a', 'Rival', [...samples(0, 300), ...samples(0.5, 9000)], work, 200);
    expect(ratiosOf(mixed, [graft, mixed])!.speed).toBe(1.5);
    const hopeless = makeRow('a', 'Rival', samples(0.5, 9000), work, 200);
    expect(ratiosOf(hopeless, [graft, hopeless])).toEqual({ speed: null, memory: 0.25, disturbed: true });
  });

  it('counts the best configuration of a rival: the fastest for speed, the smallest for memory', () => {
    const fast = makeRow('a', 'Rival, fast', samples(0, 100, 100, 100), work, 300);
    const small = makeRow('a', 'Rival, small', samples(0.5, 10), work, 100);
    const rows = [graft, rival, fast, small];
    expect(ratiosOf(fast, rows)).toEqual({ speed: 0.5, memory: null, disturbed: false });
    expect(ratiosOf(small, rows)).toEqual({ speed: null, memory: 0.5, disturbed: false });
    expect(ratiosOf(rival, rows)).toEqual({ speed: null, memory: null, disturbed: false });
  });

  it('counts the arithmetic by the median', () => {
    expect(makeRow('a', 'Graft', samples(0, 100, 200, 300), { ...work, flops: 1e9 }, 50).flopsPerSecond).toBe(5e9);
  });

  it('gives the rate by the median', () => {
    expect(graft.rate).toEqual({ perSecond: 500, unit: 'tokens/s' });
  });
});

describe('withTable', () => {
  it('appends a section once, then replaces only its own table', () => {
    const first = withTable('# Performance\n', 'one', 'old');
    const both = withTable(first, 'two', 'kept');
    const again = withTable(both, 'one', 'new');
    expect(again).toContain('<!-- bench:one -->\nnew\n<!-- end:one -->');
    expect(again).toContain('<!-- bench:two -->\nkept\n<!-- end:two -->');
    expect(again).not.toContain('old');
    expect(again.match(/## `one`/g)).toHaveLength(1);
  });
});
