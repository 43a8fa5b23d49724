/** Two adapters mixed on the resident base, against weights that were merged by plain loops. */
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { writeMerged } from '../../../test-support/checks/plainLora.ts';
import { randomAdapter } from '../../../test-support/fixtures/adapters.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import type { GenerateResult } from '../../../src-shared/generation.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { saveAdapter } from '../../methods/adapterFolder.ts';
import { createIa3 } from '../../methods/ia3/ia3.ts';
import { useBackend } from '../backend.ts';
import { CallControl } from '../control.ts';
import { Resident } from './resident.ts';

let modelDir: string;
let adapterDirs: [string, string];
let resident: Resident;

beforeAll(async () => void (await useBackend('wasm')));

beforeEach(async () => {
  modelDir = await writeTinyModel(path.join(temporaryFolder(), 'model'));
  adapterDirs = [await randomAdapter(modelDir, ['q', 'v'], 1), await randomAdapter(modelDir, ['q', 'up'], 2)];
  resident = await loaded(modelDir);
});

async function loaded(dir: string): Promise<Resident> {
  const one = new Resident();
  await one.load({ engine: 'wasm', modelDir: dir });
  return one;
}

function answer(by: Resident): Promise<GenerateResult> {
  const params = { prompt: 'Hello', maxNew: 12, temperature: 0, probabilities: true };
  return by.generate(params, () => undefined, new CallControl());
}

/** Token by token, with how likely each was. */
function likely({ probabilities }: GenerateResult): [number, number][] {
  return probabilities!.map(({ id, p }) => [id, p]);
}

it.each([0.25, 0.5, 0.9])('at %d it answers as W + (1 - t)·dW1 + t·dW2 does', async (share) => {
  const [one, other] = adapterDirs;
  const tasks: [string, number][] = [
    [one, 1 - share],
    [other, share],
  ];
  const merged = await loaded(writeMerged(modelDir, tasks, path.join(temporaryFolder(), 'merged')));
  const wanted = likely(await answer(merged));
  await resident.mix({ adapterDirs, share });
  const got = likely(await answer(resident));
  expect(got.map(([id]) => id)).toEqual(wanted.map(([id]) => id));
  got.forEach(([, p], i) => expect(p).toBeCloseTo(wanted[i]![1], 5));
});

it('at the ends it answers as the adapters do alone, to the last bit, and piles up no tensors', async () => {
  const alone: GenerateResult[] = [];
  for (const dir of adapterDirs) {
    await resident.attach(dir);
    alone.push(await answer(resident));
  }
  expect(likely(alone[0]!)).not.toEqual(likely(alone[1]!));
  const counts: number[] = [];
  for (let round = 0; round < 3; round++) {
    for (const share of [0, 0.5, 1] as const) {
      await resident.mix({ adapterDirs, share });
      if (share !== 0.5) expect(likely(await answer(resident))).toEqual(likely(alone[share]!));
    }
    counts.push(tf.memory().numTensors);
  }
  expect(new Set(counts).size).toBe(1);
  await resident.attach(null);
  const plain = likely(await answer(await loaded(modelDir)));
  expect(likely(await answer(resident))).toEqual(plain);
});

async function ia3Adapter(): Promise<string> {
  const base = openBaseModel(modelDir);
  const settings = { type: 'ia3', targets: ['k', 'v', 'down'] } as const;
  const adapter = createIa3(base.spec, { targets: [...settings.targets] });
  const dir = path.join(temporaryFolder(), 'ia3');
  const named = { format: 1, baseHash: base.hash, baseName: 'tiny', task: 'test', runId: 'run-1' } as const;
  await saveAdapter(dir, adapter, { ...settings, targets: [...settings.targets] }, base, {
    ...named,
    createdAt: new Date().toISOString(),
  });
  adapter.dispose();
  base.close();
  return dir;
}

it('a method that does more than add is refused in a sentence, and what was there stays', async () => {
  await resident.mix({ adapterDirs, share: 1 });
  const before = likely(await answer(resident));
  const other = await ia3Adapter();
  await expect(resident.mix({ adapterDirs: [adapterDirs[0], other], share: 0.5 })).rejects.toMatchObject({
    code: 'NOT_ADDITIVE',
    message: expect.stringMatching(/nothing in between to mix; choose adapters that only add/),
  });
  expect(likely(await answer(resident))).toEqual(before);
});
