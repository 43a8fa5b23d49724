/** Attention over rows of tokens: each segment by itself through the references for one row of a batch. */
import { array64, type Array64 } from './array.ts';
import { attentionGradientReference, attentionReference, rotaryReference, type Rule } from './attention.ts';

export interface Segments {
  /** Tokens of each row of the batch. */
  lengths: number[];
  heads: number;
  kvHeads: number;
  rule: Rule;
  /** (≥ longest, R/2), R the floats of a head that turn; null: no rotary positions. */
  angles: Array64 | null;
}

/** Rows first .. first + T of (N, heads·D) as (1, heads, T, D). */
function take(x: Array64, first: number, T: number, heads: number): Array64 {
  const D = x.shape[1]! / heads;
  const grid = array64([1, heads, T, D]);
  for (let i = 0; i < grid.data.length; i++) grid.data[i] = x.data[placeOf(i, first, T, heads, D)]!;
  return grid;
}

function put(x: Array64, first: number, grid: Array64): void {
  const [, heads, T, D] = grid.shape as [number, number, number, number];
  grid.data.forEach((value, i) => (x.data[placeOf(i, first, T, heads, D)] = value));
}

/** Index among the rows of element i of the grid. */
function placeOf(i: number, first: number, T: number, heads: number, D: number): number {
  const [h, t] = [Math.floor(i / (T * D)), Math.floor(i / D) % T];
  return (first + t) * heads * D + h * D + (i % D);
}

function eachSegment(lengths: number[], visit: (first: number, T: number) => void): void {
  lengths.reduce((first, T) => (visit(first, T), first + T), 0);
}

const turned = (x: Array64, angles: Array64 | null, sign = 1): Array64 =>
  angles
    ? rotaryReference(
        x,
        array64(
          angles.shape,
          angles.data.map((angle) => sign * angle),
        ),
      )
    : x;

/** q: (N, heads·D), k and v: (N, kvHeads·D). */
export function rowsAttentionReference(
  q: Array64,
  k: Array64,
  v: Array64,
  { lengths, heads, kvHeads, rule, angles }: Segments,
): Array64 {
  const out = array64(q.shape);
  eachSegment(lengths, (first, T) => {
    const [queries, keys] = [turned(take(q, first, T, heads), angles), turned(take(k, first, T, kvHeads), angles)];
    put(out, first, attentionReference(queries, keys, take(v, first, T, kvHeads), rule));
  });
  return out;
}

/** Gradients of sum(dy·rowsAttention(q, k, v)). */
export function rowsAttentionGradientReference(
  q: Array64,
  k: Array64,
  v: Array64,
  dy: Array64,
  { lengths, heads, kvHeads, rule, angles }: Segments,
): Record<string, Float64Array> {
  const [dq, dk, dv] = [q, k, v].map(({ shape }) => array64(shape)) as [Array64, Array64, Array64];
  eachSegment(lengths, (first, T) => {
    const [queries, keys] = [turned(take(q, first, T, heads), angles), turned(take(k, first, T, kvHeads), angles)];
    const gradient = attentionGradientReference(
      queries,
      keys,
      take(v, first, T, kvHeads),
      take(dy, first, T, heads),
      rule,
    );
    put(dq, first, turned(gradient.q, angles, -1));
    put(dk, first, turned(gradient.k, angles, -1));
    put(dv, first, gradient.v);
  });
  return { q: dq.data, k: dk.data, v: dv.data };
}
