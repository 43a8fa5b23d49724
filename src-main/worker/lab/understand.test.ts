/** The lab's calls on adapters that PyTorch and PEFT trained, against NumPy on the multiplied-out updates. */
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LabParams, Resemblance } from '../../../src-shared/lab.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { LAB_REFERENCE, withoutNumpy } from '../../../test-support/reference/labReference.ts';
import { useBackend } from '../backend.ts';
import { labAmplification, labSimilarity, labSpectrum } from './understand.ts';

const TOLERANCE = { rtol: 1e-5, atol: 1e-7 };
const note = skipNote('golden') || withoutNumpy();

beforeAll(async () => void (await useBackend('wasm')));

const AMPLIFICATION = [
  'deltaNorm',
  'weightNorm',
  'inDelta',
  'inWeight',
  'factor',
  'deltaRank',
  'deltaEffectiveRank',
  'weightRank',
  'weightEffectiveRank',
] as const;

interface Figures {
  spectrum: { singularValues: number[]; effectiveRank: number; stableRank: number; energy: number[] };
  similarity: { a: number[][]; b: number[][]; grassmannA: number; grassmannB: number };
  amplification: Record<(typeof AMPLIFICATION)[number], number> & Record<'written' | 'read', Resemblance[]>;
}

describe.skipIf(note !== '')(`trained adapters${note}`, () => {
  it.each(['llama', 'gpt2'])('%s: spectrum, similarity and amplification are those of NumPy', async (family) => {
    const [base, one, other] = ['base', 'lora_all/final', 'rslora/final'].map((name) =>
      sharedPath(`golden/${family}/${name}`),
    ) as [string, string, string];
    const wanted = JSON.parse(
      execFileSync('python3', [LAB_REFERENCE, base, one, other], { encoding: 'utf8' }),
    ) as Record<string, Figures>;
    const params: LabParams = { engine: 'wasm', modelDir: base, adapterDir: one };
    const seen: number[] = [];
    const spectrum = await labSpectrum(params, ({ done, total }) => seen.push(done / total));
    const { pairs, onlyInOne } = await labSimilarity({ ...params, otherDir: other }, () => undefined);
    const { matrices } = await labAmplification(params, () => undefined);
    expect(seen.at(-1)).toBe(1);
    expect(onlyInOne).toEqual([]);
    for (const names of [spectrum.matrices, pairs, matrices].map((list) => list.map(({ name }) => name)))
      expect(names.sort()).toEqual(Object.keys(wanted).sort());
    for (const { name, ...got } of spectrum.matrices) {
      const want = wanted[name]!.spectrum;
      for (const key of ['singularValues', 'energy'] as const) expectClose(got[key], want[key], TOLERANCE, name);
      expectClose([got.effectiveRank, got.stableRank], [want.effectiveRank, want.stableRank], TOLERANCE, name);
    }
    for (const { name, ...got } of pairs) {
      const want = wanted[name]!.similarity;
      for (const key of ['a', 'b'] as const)
        expectClose(got[key].flat(), want[key].flat(), TOLERANCE, `${name} ${key}`);
      expectClose([got.grassmannA!, got.grassmannB!], [want.grassmannA, want.grassmannB], TOLERANCE, name);
    }
    for (const { name, ...got } of matrices) {
      const want = wanted[name]!.amplification;
      for (const key of AMPLIFICATION) expectClose([got[key]!], [want[key]], TOLERANCE, `${name} ${key}`);
      for (const side of ['written', 'read'] as const) {
        const directions = got.directions!.map((direction) => direction[side]);
        expect(directions.map(({ index }) => index)).toEqual(want[side].map(({ index }) => index));
        const cosines = want[side].map(({ cosine }) => cosine);
        expectClose(
          directions.map(({ cosine }) => cosine),
          cosines,
          TOLERANCE,
          `${name} ${side}`,
        );
      }
      expect(got.inRandom).toBeGreaterThan(0);
      expect(got.inRandom).toBeLessThan(got.inWeight);
    }
  });

  it.each(['dora', 'ia3', 'miss', 'miss_bat'])('%s has an update, through merging itself', async (run) => {
    const { matrices } = await labSpectrum(
      {
        engine: 'wasm',
        modelDir: sharedPath('golden/llama/base'),
        adapterDir: sharedPath(`golden/llama/${run}/final`),
      },
      () => undefined,
    );
    for (const { energy, effectiveRank } of matrices) {
      expect(effectiveRank).toBeGreaterThan(0);
      expect(energy.at(-1)).toBeCloseTo(1, 6);
    }
  });

  it('says what has no update, and what does not belong together', async () => {
    const params = (family: string, run: string): LabParams => ({
      engine: 'wasm',
      modelDir: sharedPath(`golden/${family}/base`),
      adapterDir: sharedPath(`golden/llama/${run}/final`),
    });
    await expect(labSpectrum(params('llama', 'prefix'), () => undefined)).rejects.toMatchObject({
      code: 'LAB_NO_UPDATE',
      message: expect.stringContaining('(method prefix) changes no weight matrix'),
    });
    await expect(labSpectrum(params('gpt2', 'lora_all'), () => undefined)).rejects.toMatchObject({
      code: 'ADAPTER_NO_MODULE',
    });
    await expect(
      labAmplification({ ...params('llama', 'lora_all'), top: 1000 }, () => undefined),
    ).rejects.toMatchObject({ code: 'LAB_TOP' });
  });
});
