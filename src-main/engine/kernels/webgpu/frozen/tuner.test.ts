/** The tuner: what it asks for, what it keeps, and once for real on whatever driver answers. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { bootOrNote } from '../../../../../test-support/checks/engineSkip.ts';
import { frozenLinear } from '../../../ops/frozenLinear.ts';
import { Random } from '../../../../../src-shared/random.ts';
import { deviceTraits, type FrozenProduct } from './product.ts';
import { chooseVariant, measureVariants, setTuningTable, settleTuning, tuneFor, tuningTable } from './tuner.ts';
import type { DeviceTraits, ProductClass, Variant } from './variants.ts';
import type { GpuDevice } from '../../../backends/gpuDevice.ts';
import { webgpuBackend } from '../../../backends/tfjsInternals.ts';

const note = await bootOrNote('webgpu');
const TRAITS: DeviceTraits = { f16: false, subgroups: false, workgroupBytes: 32768, matrix: null };
const CLASS: ProductClass = { format: 'f32', transposed: true, N: 300, R: 64, C: 64 };

describe.skipIf(note !== '')(`the tuner of products${note}`, () => {
  afterEach(() => {
    tuneFor('');
    setTuningTable({});
  });

  function product(): FrozenProduct {
    return {
      format: 'f32',
      R: 3,
      C: 5,
      x: tf.zeros([7, 5]),
      w: tf.tensor2d(new Random(1).normal(15), [3, 5]),
      b: null,
      transposed: true,
    };
  }

  const timed = (times: Partial<Record<Variant, number>>) => async (_: FrozenProduct, variants: Variant[]) =>
    variants.map((name) => times[name] ?? Infinity);

  it('keeps the fastest for every N of the same power of two, and asks once', async () => {
    tuneFor('card A');
    expect(chooseVariant(CLASS, TRAITS, product())).toBe('tiles32');
    chooseVariant(CLASS, TRAITS, product());
    expect(await settleTuning(timed({ tiles32: 3, tiles64: 2, tiles128: 4 }))).toBe(1);
    expect(chooseVariant(CLASS, TRAITS, product())).toBe('tiles64');
    expect(chooseVariant({ ...CLASS, N: 512 }, TRAITS, product())).toBe('tiles64');
    expect(await settleTuning(timed({}))).toBe(0);
    expect(chooseVariant({ ...CLASS, N: 513 }, TRAITS, product())).toBe('tiles32');
    expect(chooseVariant({ ...CLASS, transposed: false }, TRAITS, product())).toBe('tiles32');
    expect(await settleTuning(timed({ tiles32: 1 }))).toBe(2);
  });

  it('knows again what a table says, for its own device only and while the variant can run', async () => {
    tuneFor('card A');
    chooseVariant(CLASS, TRAITS, product());
    await settleTuning(timed({ tiles128: 1 }));
    const table = JSON.parse(JSON.stringify(tuningTable())) as Record<string, string>;
    setTuningTable({});
    expect(chooseVariant(CLASS, TRAITS, product())).toBe('tiles32');
    setTuningTable(table);
    expect(chooseVariant(CLASS, TRAITS, product())).toBe('tiles128');
    expect(chooseVariant(CLASS, { ...TRAITS, workgroupBytes: 16384 }, product())).toBe('tiles32');
    tuneFor('card B');
    expect(chooseVariant(CLASS, TRAITS, product())).toBe('tiles32');
  });

  it('takes the first where all fail, and leaves products whose weight has gone', async () => {
    tuneFor('card A');
    chooseVariant(CLASS, TRAITS, product());
    await settleTuning(timed({}));
    expect(Object.values(tuningTable())).toEqual(['tiles32']);
    const gone = product();
    chooseVariant({ ...CLASS, R: 65 }, TRAITS, gone);
    (gone.w as tf.Tensor).dispose();
    await settleTuning(() => Promise.reject(new Error('must not be measured')));
    expect(Object.keys(tuningTable())).toHaveLength(1);
  });

  it('does not tune a software renderer', async () => {
    tuneFor('');
    chooseVariant(CLASS, TRAITS, product());
    expect(await settleTuning(timed({ tiles64: 1 }))).toBe(0);
  });

  it('measures for real, drops what fails, and leaves no tensor', { timeout: 60_000 }, async () => {
    const { w, x } = {
      w: tf.tensor2d(new Random(1).normal(15), [3, 5]),
      x: tf.tensor2d(new Random(2).normal(10), [2, 5]),
    };
    const parameter = { name: 'w', value: w };
    const first = frozenLinear(x, parameter, undefined, 'out_in');
    tuneFor('this driver');
    const again = frozenLinear(x, parameter, undefined, 'out_in');
    const before = tf.memory().numTensors;
    expect(await settleTuning()).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
    const [chosen] = Object.values(tuningTable());
    expect(['rows-subgroups', 'rows', 'tiles32']).toContain(chosen);
    const tuned = frozenLinear(x, parameter, undefined, 'out_in');
    const want = await first.data();
    for (const y of [again, tuned]) (await y.data()).forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 5));
    // A device without subgroup matrices refuses that text; the run must not hear of it.
    if (deviceTraits(webgpuBackend().device).matrix) return;
    const { times, failed } = await withMatrixTraits(() => measureVariants({ ...product(), x }, ['rows', 'matrix']));
    expect(times[0]).toBeGreaterThan(0);
    expect(times[1]).toBe(Infinity);
    expect(failed).toBe(false);
  });
});

/** Lets the device claim matrices that it has not, and watches whether an error gets out. */
async function withMatrixTraits(work: () => Promise<number[]>): Promise<{ times: number[]; failed: boolean }> {
  const device = webgpuBackend().device as GpuDevice & EventTarget;
  const traits = deviceTraits(device);
  let failed = false;
  const note = (): void => void (failed = true);
  device.addEventListener('uncapturederror', note);
  traits.matrix = { component: 'f32', M: 8, N: 8, K: 8, subgroupSize: 32 };
  const times = await work();
  traits.matrix = null;
  device.removeEventListener('uncapturederror', note);
  return { times, failed };
}
