/** Compressed adapters against NumPy's nearest matrices of the same rank, and read back as any stranger's folder. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CompressResult, CompressRule } from '../../../src-shared/lab.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { LAB_REFERENCE, withoutNumpy } from '../../../test-support/reference/labReference.ts';
import { readPeftAdapter } from '../../methods/lora/peft.ts';
import { useBackend } from '../backend.ts';
import { labCompress } from './compress.ts';

const note = skipNote('golden') || withoutNumpy();

beforeAll(async () => void (await useBackend('wasm')));

function compress(family: string, run: string, rule: CompressRule): Promise<CompressResult> {
  return labCompress(
    {
      engine: 'wasm',
      modelDir: sharedPath(`golden/${family}/base`),
      adapterDir: sharedPath(`golden/${family}/${run}/final`),
      outDir: path.join(temporaryFolder(), 'small'),
      rule,
    },
    () => undefined,
  );
}

describe.skipIf(note !== '')(`compressed adapters${note}`, () => {
  it.each([
    ['llama', 'lora_all', { rank: 2 }],
    ['gpt2', 'lora_all', { energy: 0.8 }],
    ['llama', 'rslora', { bytes: 25_000 }],
  ] as [string, string, CompressRule][])('%s/%s by %o: the nearest of their ranks', async (family, run, rule) => {
    const result = await compress(family, run, rule);
    const whole = sharedPath(`golden/${family}/${run}/final`);
    const nearest = JSON.parse(
      execFileSync('python3', [LAB_REFERENCE, '--truncated', whole, result.outDir], { encoding: 'utf8' }),
    ) as Record<string, { rank: number; difference: number; energy: number }>;
    expect(result.matrices.map(({ name }) => name).sort()).toEqual(Object.keys(nearest).sort());
    for (const { name, rank, energy } of result.matrices) {
      expect(rank).toBe(nearest[name]!.rank);
      expect(nearest[name]!.difference, name).toBeLessThan(1e-6);
      expect(energy).toBeCloseTo(nearest[name]!.energy, 6);
      if ('rank' in rule) expect(rank).toBe(rule.rank);
      if ('energy' in rule) expect(energy).toBeGreaterThanOrEqual(rule.energy);
    }
    const { bytesAfter, bytesBefore, maxLogitDifference, relativeError } = result;
    expect(bytesAfter).toBe(fs.statSync(path.join(result.outDir, 'adapter_model.safetensors')).size);
    expect(bytesAfter).toBeLessThan(bytesBefore);
    expect(relativeError).toBeGreaterThan(0.01);
    expect(maxLogitDifference).toBeGreaterThan(0);
    expect(readPeftAdapter(result.outDir).modules.size).toBe(result.matrices.length);
    if ('bytes' in rule) {
      expect(bytesAfter).toBeLessThanOrEqual(rule.bytes);
      expect(bytesAfter).toBeGreaterThan(0.9 * rule.bytes);
    }
  });

  it('all of a DoRA as a plain LoRA is what NumPy makes of the DoRA', async () => {
    const { maxLogit, maxLogitDifference, matrices, outDir } = await compress('llama', 'dora', { energy: 1 });
    expect(maxLogitDifference).toBeLessThan(1e-5 * maxLogit);
    expect(Math.max(...matrices.map(({ rank }) => rank))).toBeGreaterThan(8);
    const files = [sharedPath('golden/llama/base'), sharedPath('golden/llama/dora/final'), outDir];
    const wanted = JSON.parse(
      execFileSync('python3', [LAB_REFERENCE, '--updates', ...files], { encoding: 'utf8' }),
    ) as {
      [name: string]: { difference: number };
    };
    expect(Object.keys(wanted).sort()).toEqual(matrices.map(({ name }) => name).sort());
    for (const [name, { difference }] of Object.entries(wanted)) expect(difference, name).toBeLessThan(1e-4);
  });

  it('says what cannot be: a rank above the matrix, bytes below one rank each', async () => {
    await expect(compress('llama', 'lora_all', { rank: 500 })).rejects.toMatchObject({ code: 'LAB_RANK' });
    await expect(compress('llama', 'lora_all', { bytes: 100 })).rejects.toMatchObject({ code: 'LAB_BYTES' });
  });
});
