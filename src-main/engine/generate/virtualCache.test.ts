/** Virtual tokens through the key/value cache: the logits of the pass without one, for rows of different lengths. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, it } from 'vitest';
import { virtualPrompt } from '../../datasets/virtualTokens.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { attachTrained, METHOD_CASES, settingsOf, writeFamily } from '../../../test-support/cases/methodCases.ts';
import { useBackend } from '../../worker/backend.ts';
import type { Decoder } from '../model/decoder.ts';
import { KvCache } from '../model/kvCache.ts';
import { lastLogits } from './generate.ts';

beforeAll(async () => void (await useBackend('tensorflow')));

const PROMPTS = [
  [1, 5, 9, 200, 2, 7, 30],
  [4, 8],
  [3, 3, 11, 12],
];
const NEXT = [
  [17, 18],
  [40, 41],
  [60, 61],
];

it.each(METHOD_CASES.filter(([, name]) => name.startsWith('prefix')))('%s, %s', async (family, name) => {
  const { base, model } = await attachTrained(await writeFamily(family), settingsOf(family, name));
  const { vocab } = model.spec;
  const rows = PROMPTS.map((prompt) =>
    virtualPrompt(prompt, { prefix: 0, infix: 0, ...model.adapter?.virtual, vocab }),
  );
  const T = Math.max(...rows.map(({ length }) => length));
  const cache = new KvCache(rows.map(({ length }) => T - length));
  const steps = [
    rows.flatMap((row) => [...Array<number>(T - row.length).fill(0), ...row]),
    ...[0, 1].map((i) => NEXT.map((row) => row[i]!)),
  ];
  for (const [step, ids] of steps.entries()) {
    const logits = lastLogits(model, Int32Array.from(ids), cache);
    const wanted = await Promise.all(rows.map((row, i) => lastOf(model, [...row, ...NEXT[i]!.slice(0, step)])));
    expectClose(
      await logits.data(),
      Float32Array.from(wanted.flatMap((values) => [...values])),
      { rtol: 1e-4, atol: 1e-4 },
      `step ${step}`,
    );
    logits.dispose();
  }
  cache.dispose();
  model.dispose();
  base.close();
});

async function lastOf(model: Decoder, ids: number[]): Promise<Float32Array> {
  const logits = tf.tidy(() =>
    model.logits(tf.slice(model.hidden(ids, 1, ids.length), [ids.length - 1, 0], [1, model.spec.hidden])),
  );
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}
