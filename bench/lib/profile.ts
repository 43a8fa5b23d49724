/**
 * Time per tfjs kernel. Every kernel of the current backend is wrapped while `work` runs; a kernel that calls others
 * (Graft's composed ones do) is charged only with what they leave over. Right for engines that compute when called
 * (tensorflow, wasm); on webgpu a kernel only records commands, so tf.profile's timer queries are used.
 */
import * as tf from '@tensorflow/tfjs-core';

export interface Profile {
  /** By time, longest first. */
  rows: ProfileRow[];
  wallMs: number;
}

export interface ProfileRow {
  /** Of a kernel, or of a function. */
  name: string;
  /** Shapes of the inputs, e.g. `512x768 768x2304`, or the place in the source. */
  detail: string;
  /** Null where they are not counted. */
  calls: number | null;
  /** Without what it called. */
  selfMs: number;
}

type Inputs = Record<string, tf.TensorInfo | tf.TensorInfo[] | undefined>;

class Table {
  private readonly rows = new Map<string, ProfileRow>();

  add(name: string, detail: string, selfMs: number): void {
    const key = `${name} ${detail}`;
    const row = this.rows.get(key) ?? { name, detail, calls: 0, selfMs: 0 };
    this.rows.set(key, { ...row, calls: row.calls! + 1, selfMs: row.selfMs + selfMs });
  }

  sorted(): ProfileRow[] {
    return [...this.rows.values()].sort((a, b) => b.selfMs - a.selfMs);
  }
}

/** `wallMs` less the sum of all `selfMs` is the time spent outside kernels. */
export async function profileKernels(work: () => Promise<unknown>): Promise<Profile> {
  const table = new Table();
  const started = performance.now();
  if (tf.getBackend() === 'webgpu') await byTimerQueries(table, work);
  else await byWrapping(table, work);
  return { rows: table.sorted(), wallMs: performance.now() - started };
}

async function byWrapping(table: Table, work: () => Promise<unknown>): Promise<void> {
  const kernels = tf.getKernelsForBackend(tf.getBackend());
  const originals = kernels.map(({ kernelFunc }) => kernelFunc);
  /** Per kernel under way: the time its inner kernels took. */
  const inner: number[] = [];
  kernels.forEach((config, i) => {
    config.kernelFunc = (params) => {
      inner.push(0);
      const started = performance.now();
      try {
        return originals[i]!(params);
      } finally {
        const totalMs = performance.now() - started;
        table.add(config.kernelName, describeShapes(params.inputs as Inputs), totalMs - inner.pop()!);
        if (inner.length) inner[inner.length - 1]! += totalMs;
      }
    };
  });
  try {
    await work();
  } finally {
    kernels.forEach((config, i) => (config.kernelFunc = originals[i]!));
  }
}

async function byTimerQueries(table: Table, work: () => Promise<unknown>): Promise<void> {
  const { kernels } = await tf.profile(async () => {
    await work();
    return [];
  });
  for (const { name, inputShapes, kernelTimeMs } of kernels) {
    const ms = await kernelTimeMs;
    table.add(name, inputShapes.map(shapeText).join(' '), typeof ms === 'number' ? ms : 0);
  }
}

function describeShapes(inputs: Inputs): string {
  return Object.values(inputs)
    .flat()
    .map((input) => shapeText(input?.shape))
    .join(' ');
}

function shapeText(shape: number[] | null | undefined): string {
  return shape ? (shape.length ? shape.join('x') : '1') : '-';
}
