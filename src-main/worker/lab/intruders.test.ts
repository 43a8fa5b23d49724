/** Intruder dimensions of trained adapters, and the adapters without them, against NumPy's whole decompositions. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Intruder, IntrudersParams } from '../../../src-shared/lab.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { LAB_REFERENCE, withoutNumpy } from '../../../test-support/reference/labReference.ts';
import { useBackend } from '../backend.ts';
import { labIntruders, refuseTooWide } from './intruders.ts';

const note = skipNote('golden') || withoutNumpy();

beforeAll(async () => void (await useBackend('wasm')));

const paramsOf = (family: string, run: string, more: Partial<IntrudersParams> = {}): IntrudersParams => ({
  engine: 'wasm',
  modelDir: sharedPath(`golden/${family}/base`),
  adapterDir: sharedPath(`golden/${family}/${run}/final`),
  epsilon: 0.6,
  top: 10,
  ...more,
});

interface Wanted {
  looked: number;
  intruders: Intruder[];
  rank: number;
  difference: number;
}

describe.skipIf(note !== '')(`intruder dimensions${note}`, () => {
  it.each([
    ['llama', 'rslora'],
    ['gpt2', 'lora_all'],
  ])('%s/%s: those of NumPy, and the update less these', async (family, run) => {
    const outDir = path.join(temporaryFolder(), 'without');
    const params = paramsOf(family, run, { outDir });
    const { matrices, written } = await labIntruders(params, () => undefined);
    expect(written).toEqual({ outDir, bytes: expect.any(Number), notes: [] });
    const args = ['--intruders', params.modelDir, params.adapterDir, '10', '0.6', outDir];
    const wanted = JSON.parse(execFileSync('python3', [LAB_REFERENCE, ...args], { encoding: 'utf8' })) as Record<
      string,
      Wanted
    >;
    expect(matrices.map(({ name }) => name).sort()).toEqual(Object.keys(wanted).sort());
    for (const { name, looked, intruders } of matrices) {
      const want = wanted[name]!;
      expect(looked, name).toBe(want.looked);
      expect(intruders.map(({ index }) => index)).toEqual(want.intruders.map(({ index }) => index));
      for (const key of ['singularValue', 'cosine'] as const)
        expectClose(
          intruders.map((one) => one[key]),
          want.intruders.map((one) => one[key]),
          { rtol: 1e-5, atol: 1e-7 },
          `${name} ${key}`,
        );
      expect(want.difference, name).toBeLessThan(1e-6);
      expect(want.rank).toBe(4 + intruders.length);
    }
  });

  it('writes nothing where there is nothing to take away', async () => {
    const outDir = path.join(temporaryFolder(), 'without');
    const { written, matrices } = await labIntruders(
      paramsOf('llama', 'dora', { outDir, epsilon: 1e-6 }),
      () => undefined,
    );
    expect(written).toBeUndefined();
    expect(matrices.every(({ looked }) => looked === 10)).toBe(true);
  });
});

it('says what is too wide to be looked at, or to be written', () => {
  const dense = { name: 'h.0.mlp', out: 600, in: 900 };
  expect(() => refuseTooWide([dense], false)).not.toThrow();
  expect(() => refuseTooWide([dense], true)).toThrowError(expect.objectContaining({ code: 'LAB_NO_FACTORS' }));
  expect(() => refuseTooWide([{ ...dense, out: 5000, in: 5000 }], false)).toThrowError(
    expect.objectContaining({ code: 'LAB_TOO_WIDE', message: expect.stringContaining('h.0.mlp is 5000 x 5000') }),
  );
});
