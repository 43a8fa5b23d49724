/**
 * Which variant of a product is fastest on this device. The first use of a class of products takes the first candidate
 * and is remembered; `settleTuning`, called where waiting is allowed, then runs every candidate on the same weight,
 * drops those that fail or whose results differ, times the others, and keeps the fastest. What was learnt goes in and
 * out as a plain table; this file knows no files. Software renderers are never tuned.
 */
import * as tf from '@tensorflow/tfjs-core';
import { runVariant, type FrozenProduct } from './product.ts';
import { candidates, type Candidates, type DeviceTraits, type ProductClass, type Variant } from './variants.ts';
import { submit, tensorOf, webgpuBackend, type WebgpuBackend } from '../../../backends/tfjsInternals.ts';

/** Variant by device and class. */
export type TuningTable = Record<string, string>;

interface Wanted {
  product: FrozenProduct;
  variants: Candidates;
}

/** Largest N told apart; times are proportional beyond. */
const MOST_ROWS_TOLD_APART = 1024;
/**
 * Results of the variants differ by rounding: float32 sums in another order, or a weight (and x) rounded to float16.
 */
const SAME = 4 * 2 ** -11;
const RUNS = 8;
const ROUNDS = 3;

let device = '';
let table: TuningTable = {};
const wanted = new Map<string, Wanted>();

/** `deviceName`: what the table's keys begin with; empty: do not tune here. */
export function tuneFor(deviceName: string): void {
  device = deviceName;
  wanted.clear();
}

export function setTuningTable(known: TuningTable): void {
  table = { ...known };
}

export function tuningTable(): TuningTable {
  return { ...table };
}

/** N counts up to the next power of two. */
function tuningKey(deviceName: string, { format, transposed, N, R, C }: ProductClass): string {
  return `${deviceName} | ${format} ${transposed ? 'xW^T' : 'xW'} ${R}x${C} rows ${bucketOf(N)}`;
}

function bucketOf(N: number): number {
  return Math.min(MOST_ROWS_TOLD_APART, 2 ** Math.ceil(Math.log2(N)));
}

/** The variant to run now; what is not known yet is noted for `settleTuning`. */
export function chooseVariant(productClass: ProductClass, traits: DeviceTraits, product: FrozenProduct): Variant {
  const variants = candidates(productClass, traits);
  if (device === '') return variants[0];
  const key = tuningKey(device, productClass);
  const best = variants.find((name) => name === table[key]);
  if (!best && !wanted.has(key)) wanted.set(key, { product, variants });
  return best ?? variants[0];
}

/** Milliseconds of one run of a variant; Infinity when it fails or its result is wrong. */
export type Measure = (product: FrozenProduct, variants: Variant[]) => Promise<number[]>;

/** Tunes all classes used since the last call. Their weights must still exist. Returns how many choices were made. */
export async function settleTuning(measure: Measure = measureVariants): Promise<number> {
  const open = [...wanted];
  wanted.clear();
  for (const [key, { product, variants }] of open) {
    if (!exists(product)) continue; // its model has gone; another use will ask again
    const times = await measure(product, variants);
    table[key] = variants[times.indexOf(Math.min(...times))] ?? variants[0];
  }
  return open.length;
}

function exists({ w, b }: FrozenProduct): boolean {
  const { tensorMap } = webgpuBackend();
  return tensorMap.has(w.dataId) && (b === null || tensorMap.has(b.dataId));
}

/**
 * On the product's own weight, with N rounded as its class and x random. The first candidate is the measure of right.
 */
export async function measureVariants(product: FrozenProduct, variants: Variant[]): Promise<number[]> {
  const backend = webgpuBackend();
  const [N, inner] = product.x.shape as [number, number];
  const x = tf.randomNormal([bucketOf(N), inner], 0, 1, 'float32', 1);
  const sample = { ...product, x };
  const times: number[] = [];
  let want: Float32Array | null = null;
  for (const variant of variants) {
    const got = await resultOf(backend, sample, variant);
    want ??= got;
    times.push(got && want && agree(got, want) ? await timeOf(backend, sample, variant) : Infinity);
  }
  x.dispose();
  return times;
}

/** Null when the driver refuses it, which must not count as a failure of the running call. */
async function resultOf(
  backend: WebgpuBackend,
  product: FrozenProduct,
  variant: Variant,
): Promise<Float32Array | null> {
  const scopes = ['validation', 'out-of-memory', 'internal'];
  const { device } = backend;
  scopes.forEach((filter) => device.pushErrorScope(filter));
  const y = tensorOf(runVariant(backend, product, variant));
  submit(backend);
  const errors = await Promise.all(scopes.map(() => device.popErrorScope()));
  const values = errors.some((error) => error !== null) ? null : ((await y.data()) as Float32Array);
  y.dispose();
  return values;
}

function agree(got: Float32Array, want: Float32Array): boolean {
  let [difference, largest] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    const d = Math.abs(got[i]! - want[i]!);
    if (!(d <= difference)) difference = Number.isNaN(d) ? Infinity : d;
    largest = Math.max(largest, Math.abs(want[i]!));
  }
  return difference <= SAME * largest;
}

/** The best of some rounds, each timed until the device has finished. */
async function timeOf(backend: WebgpuBackend, product: FrozenProduct, variant: Variant): Promise<number> {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    for (let i = 0; i < RUNS; i++) backend.disposeData(runVariant(backend, product, variant).dataId);
    submit(backend);
    await backend.queue.onSubmittedWorkDone();
    best = Math.min(best, (performance.now() - started) / RUNS);
  }
  return best;
}
