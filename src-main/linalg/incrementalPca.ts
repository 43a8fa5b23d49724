/**
 * Principal components of rows that come in batches (Ross et al. 2008, section 3.1): the k components so far stand for
 * all earlier rows, so that memory holds k and the newest batch, whatever has been read. As PEFT's incremental PCA,
 * which EVA uses, with an exact decomposition in place of its randomised one.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Random } from '../../src-shared/random.ts';
import { EXACT_UP_TO, principalComponents } from './principalComponents.ts';
import { thinQr } from './qr.ts';
import { svd } from './svd.ts';
import { columnsOf } from './vectors.ts';

export class IncrementalPca {
  /** (k, width), row by row: unit vectors, the largest element of each positive. Null before the first batch. */
  components: Float64Array | null = null;
  /** (k), descending. */
  singularValues: Float64Array = new Float64Array();
  private readonly width: number;
  private readonly k: number;
  private readonly random: Random;
  private seen = 0;
  private mean: Float64Array;
  /** Sum over columns and rows of (x - mean)^2. */
  private totalSquares = 0;

  /** k at most `width`. random: for the start of the iteration on matrices that are too large to decompose whole. */
  constructor(width: number, k: number, random: Random) {
    this.width = width;
    this.k = k;
    this.random = random;
    this.mean = new Float64Array(width);
  }

  /** Share of the variance that each component explains, (k). */
  get explained(): Float64Array {
    return this.singularValues.map((s) => (this.totalSquares > 0 ? (s * s) / this.totalSquares : 0));
  }

  /** X: (n, width), row by row; n at least k in the first batch. */
  async update(X: ArrayLike<number>, n: number): Promise<void> {
    const { width, seen, components } = this;
    const batchMean = columnMeans(X, n, width);
    const kept = components ? this.k : 0;
    const M = new Float64Array((kept + n + (components ? 1 : 0)) * width);
    components?.forEach((x, i) => (M[i] = x * this.singularValues[Math.floor(i / width)]!));
    let squares = 0;
    for (let i = 0; i < n * width; i++) {
      const x = X[i]! - batchMean[i % width]!;
      M[kept * width + i] = x;
      squares += x * x;
    }
    // What the shift of the mean adds to the scatter of both parts together.
    const factor = Math.sqrt((seen * n) / (seen + n));
    for (let j = 0; j < width; j++) {
      const shift = factor * (this.mean[j]! - batchMean[j]!);
      squares += shift * shift;
      if (components) M[(kept + n) * width + j] = shift;
      this.mean[j] = (this.mean[j]! * seen + batchMean[j]! * n) / (seen + n);
    }
    this.totalSquares += squares;
    this.seen += n;
    const { S, V } = await rightVectors(M, width, this.k, this.random);
    this.singularValues = S;
    this.components = withPositivePeaks(V, width);
  }
}

function columnMeans(X: ArrayLike<number>, n: number, width: number): Float64Array {
  const sums = new Float64Array(width);
  for (let i = 0; i < n * width; i++) sums[i % width]! += X[i]!;
  return sums.map((sum) => sum / n);
}

/** The k largest singular values of M (rows, width) with their right vectors, (k, width) row by row. */
async function rightVectors(
  M: Float64Array,
  width: number,
  k: number,
  random: Random,
): Promise<{ S: Float64Array; V: Float64Array }> {
  const rows = M.length / width;
  if (Math.min(rows, width) > EXACT_UP_TO) {
    const tensor = tf.tensor2d(Float32Array.from(M), [rows, width]);
    const { S, V } = await principalComponents(tensor, k, random);
    tensor.dispose();
    return { S, V };
  }
  const columns = columnsOf(M, rows, width);
  // R has the singular values and right vectors of M, and far fewer rows.
  const { S, V } = rows > width ? svd(thinQr(columns, rows).R, width, k) : svd(columns, rows, k);
  return { S, V: Float64Array.from(V.flatMap((vector) => [...vector])) };
}

function withPositivePeaks(V: Float64Array, width: number): Float64Array {
  for (let start = 0; start < V.length; start += width) {
    const row = V.subarray(start, start + width);
    const peak = row.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
    if (peak < 0) row.forEach((x, j) => (row[j] = -x));
  }
  return V;
}
