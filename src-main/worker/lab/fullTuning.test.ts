/** Models that PyTorch fine-tuned whole, against their base: figures beside NumPy's, and a LoRA made of one. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { LAB_REFERENCE, withoutNumpy } from '../../../test-support/reference/labReference.ts';
import { useBackend } from '../backend.ts';
import { labCompress } from './compress.ts';
import { labIntruders } from './intruders.ts';
import { labAmplification, labSimilarity, labSpectrum } from './understand.ts';

const TOLERANCE = { rtol: 1e-5, atol: 1e-7 };
const note = skipNote('golden') || withoutNumpy();

beforeAll(async () => void (await useBackend('wasm')));

/** As full fine-tuning writes it: config and weights. */
function modelFolder(weights: string): string {
  const dir = path.join(temporaryFolder(), 'tuned');
  fs.mkdirSync(dir);
  fs.copyFileSync(sharedPath('golden/llama/base/config.json'), path.join(dir, 'config.json'));
  fs.copyFileSync(weights, path.join(dir, 'model.safetensors'));
  return dir;
}

describe.skipIf(note !== '')(`full fine-tuning${note}`, () => {
  const modelDir = sharedPath('golden/llama/base');
  const weights = (run: string): string => sharedPath(`golden/llama/${run}/final_model.safetensors`);
  const quiet = (): undefined => undefined;

  it('spectrum, similarity, amplification, intruders and a LoRA of rank 6 are those of NumPy', async () => {
    const [adapterDir, otherDir] = [modelFolder(weights('full')), modelFolder(weights('full_hfgroups'))];
    const params = { engine: 'wasm' as const, modelDir, adapterDir };
    const outDir = path.join(temporaryFolder(), 'small');
    const spectrum = await labSpectrum(params, quiet);
    const { pairs } = await labSimilarity({ ...params, otherDir }, quiet);
    const amplification = await labAmplification(params, quiet);
    const { matrices } = await labIntruders({ ...params, epsilon: 0.5, top: 10 }, quiet);
    const small = await labCompress({ ...params, outDir, rule: { rank: 6 } }, quiet);
    const files = [path.join(modelDir, 'model.safetensors'), weights('full'), weights('full_hfgroups'), outDir];
    const wanted = JSON.parse(execFileSync('python3', [LAB_REFERENCE, '--tuned', ...files], { encoding: 'utf8' }));
    expect(spectrum.matrices.map(({ name }) => name).sort()).toEqual(Object.keys(wanted).sort());
    expect(amplification.top).toBe(8);
    for (const [i, { name, singularValues, effectiveRank }] of spectrum.matrices.entries()) {
      const want = wanted[name];
      expectClose(singularValues, want.spectrum.singularValues, TOLERANCE, name);
      expectClose([effectiveRank], [want.spectrum.effectiveRank], TOLERANCE, name);
      expectClose([pairs[i]!.a[2]![2]!, pairs[i]!.b[2]![2]!], [want.a, want.b], TOLERANCE, name);
      expectClose([amplification.matrices[i]!.inDelta], [want.inDelta], TOLERANCE, name);
      expect(matrices[i]!.intruders.map(({ index }) => index)).toEqual(
        want.intruders.map(({ index }: { index: number }) => index),
      );
      expect(want.difference, name).toBeLessThan(1e-6);
    }
    expect(small.notes).toEqual([expect.stringMatching(/^Full fine-tuning also changed \d+ tensors outside/)]);
    expect(small.maxLogitDifference).toBeGreaterThan(0);
  });

  it('says where there is no update, and where the base is another', async () => {
    const same = modelFolder(path.join(modelDir, 'model.safetensors'));
    await expect(labSpectrum({ engine: 'wasm', modelDir, adapterDir: same }, quiet)).rejects.toMatchObject({
      code: 'LAB_NO_UPDATE',
      message: expect.stringContaining('are those of the base model'),
    });
    const other = { engine: 'wasm' as const, modelDir: sharedPath('golden/gpt2/base'), adapterDir: same };
    await expect(labSpectrum(other, quiet)).rejects.toMatchObject({
      code: 'LAB_OTHER_MODEL',
      message: expect.stringContaining('choose the base model that it was fine-tuned from'),
    });
  });
});
