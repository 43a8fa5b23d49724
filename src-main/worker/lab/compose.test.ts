/** Composed adapters against NumPy's sum of the multiplied-out updates. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ComposeParams, ComposeResult } from '../../../src-shared/lab.ts';
import { attachTrained, settingsOf, writeFamily } from '../../../test-support/cases/methodCases.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { LAB_REFERENCE, withoutNumpy } from '../../../test-support/reference/labReference.ts';
import { useBackend } from '../backend.ts';
import { labCompose } from './compose.ts';

const note = skipNote('golden') || withoutNumpy();

beforeAll(async () => void (await useBackend('wasm')));

it('refuses an adapter that replaces biases, which have no sum', async () => {
  const modelDir = await writeFamily('gpt2');
  const { base, model, method, outDir } = await attachTrained(modelDir, settingsOf('gpt2', 'lora, bias all'));
  await method.save(outDir);
  model.dispose();
  base.close();
  const adapters = [{ dir: outDir, weight: 1 }];
  const rest = { engine: 'wasm', modelDir, method: 'linear', density: 0.5, seed: 0 } as const;
  await expect(
    labCompose({ ...rest, adapters, outDir: path.join(temporaryFolder(), 'sum') }, () => undefined),
  ).rejects.toMatchObject({ code: 'LAB_BESIDE', message: expect.stringContaining('replaces biases of the base') });
  // Trained on this base and no other.
  const otherDir = await writeTinyModel(path.join(temporaryFolder(), 'other'), { config: base.config, seed: 5 });
  await expect(
    labCompose({ ...rest, modelDir: otherDir, adapters, outDir: path.join(temporaryFolder(), 'sum') }, () => undefined),
  ).rejects.toMatchObject({ code: 'ADAPTER_WRONG_BASE' });
});

describe.skipIf(note !== '')(`composed adapters${note}`, () => {
  /** Of a golden run, or a folder as it is. */
  const folder = (family: string, run: string): string =>
    path.isAbsolute(run) ? run : sharedPath(`golden/${family}/${run}/final`);
  const compose = (
    family: string,
    runs: [string, number][],
    more: Partial<ComposeParams> = {},
  ): Promise<ComposeResult> =>
    labCompose(
      {
        engine: 'wasm',
        modelDir: sharedPath(`golden/${family}/base`),
        adapters: runs.map(([run, weight]) => ({ dir: folder(family, run), weight })),
        method: 'linear',
        density: 0.5,
        seed: 0,
        outDir: path.join(temporaryFolder(), 'sum'),
        ...more,
      },
      () => undefined,
    );
  const differenceFrom = (family: string, runs: [string, number][], dir: string): number => {
    const args = runs.flatMap(([run, weight]) => [folder(family, run), String(weight)]);
    return Number(execFileSync('python3', [LAB_REFERENCE, '--sum', ...args, dir], { encoding: 'utf8' }));
  };

  it.each([
    ['llama', 'lora_all', 'rslora'],
    ['llama', 'lora_qv', 'lora_all'], // matrices that only one of them changes
    ['gpt2', 'lora_all', 'rslora'],
  ])('%s: 0.7 %s - 0.4 %s is that sum, exactly', async (family, one, other) => {
    const runs: [string, number][] = [
      [one, 0.7],
      [other, -0.4],
    ];
    const { outDir, matrices } = await compose(family, runs);
    for (const { energy } of matrices) expect(energy).toBeCloseTo(1, 10);
    expect(differenceFrom(family, runs, outDir)).toBeLessThan(1e-6);
  });

  it('fewer ranks keep less; an adapter taken from itself is nothing', async () => {
    const runs: [string, number][] = [
      ['lora_all', 1],
      ['rslora', 1],
    ];
    const { matrices, outDir, notes } = await compose('llama', runs, { rank: 3 });
    expect(notes).toEqual([]);
    for (const { rank, energy } of matrices) {
      expect(rank).toBe(3);
      expect(energy).toBeLessThan(1);
    }
    const worst = Math.sqrt(1 - Math.min(...matrices.map(({ energy }) => energy)));
    expect(differenceFrom('llama', runs, outDir)).toBeGreaterThan(0.5 * worst);
    const none = await compose('llama', [
      ['lora_all', 1],
      ['lora_all', -1],
    ]);
    expect(none.bytes).toBeLessThan(200_000);
    const empty = await compose('llama', [['lora_all', 0]]);
    expect(empty.notes).toEqual([
      `${empty.matrices.length} matrices of ${empty.matrices.length} came out as zero and change nothing.`,
    ]);
    await expect(compose('llama', [['lora_all', 1e60]])).rejects.toMatchObject({ code: 'RESULT_NOT_FINITE' });
    const dense = await compose('llama', [['dora', 1]]);
    expect(dense.notes).toEqual([
      expect.stringMatching(/keep only a part of their energy \(the least 9\d\.\d %\); give more/),
    ]);
    const { length } = none.matrices;
    const few = await compose('llama', [['lora_all', 1]], { rank: 9 });
    expect(few.notes).toEqual([
      `${length} matrices of ${length} got fewer than 9 ranks, since the updates there have no more.`,
    ]);
  });

  it('peft-linear is the formula of PEFT, and refused where PEFT has none', async () => {
    const runs: [string, number][] = [
      ['lora_all', 0.5],
      ['rslora', 2],
    ];
    const { outDir, notes } = await compose('llama', runs, { method: 'peft-linear' });
    const args = runs.flatMap(([run, weight]) => [folder('llama', run), String(weight)]);
    const output = execFileSync('python3', [LAB_REFERENCE, '--peft-linear', ...args, outDir], { encoding: 'utf8' });
    expect(Number(output)).toBeLessThan(1e-6);
    expect(notes).toEqual([]);
    const refused = (one: [string, number], other: [string, number]): Promise<unknown> =>
      compose('llama', [one, other], { method: 'peft-linear' }).catch((error: unknown) => error);
    const code = 'LAB_NOT_BLENDABLE';
    expect(await refused(['lora_all', 1], ['rslora', -1])).toMatchObject({
      code,
      message: expect.stringContaining('the weight -1'),
    });
    expect(await refused(['lora_all', 1], ['dora', 1])).toMatchObject({
      code,
      message: expect.stringContaining('has no A and B'),
    });
    const { outDir: small } = await compose('llama', [['lora_all', 1]], { rank: 2 });
    expect(await refused([small, 1], ['rslora', 1])).toMatchObject({
      code,
      message: expect.stringContaining('has the ranks 2 and 4'),
    });
  });

  it('a dense blend of everything without cuts is the sum too', async () => {
    const runs: [string, number][] = [
      ['lora_all', 0.5],
      ['rslora', 0.5],
    ];
    const { outDir } = await compose('llama', runs, { method: 'dare', density: 1 });
    expect(differenceFrom('llama', runs, outDir)).toBeLessThan(1e-5);
  });
});
