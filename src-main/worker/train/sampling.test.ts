/** Samples are read from the training, not written into it. */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { CallControl } from '../control.ts';
import { loadDecoder } from '../loadDecoder.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { train } from './train.ts';

const PROMPTS = ['row x', 'row xxx and more'];
/** Dropout and noise, so that a draw more or less would show. */
const SETTINGS = { method: { dropout: 0.2 }, train: { steps: 6, evalEvery: 2, neftune: 2 } };

async function run(spec: RunSpec, onEvent: (event: TrainEvent) => void = () => undefined): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  await train(
    spec,
    false,
    (event) => {
      events.push(event);
      onEvent(event);
    },
    new CallControl(),
  );
  return events;
}

const samplesOf = (events: TrainEvent[]) => events.filter((event) => event.type === 'sample');
const bytes = (spec: RunSpec): Buffer => fs.readFileSync(path.join(spec.outDir, 'adapter_model.safetensors'));

it(
  'are written before the first step, at each evaluation and at the end, and the training stays bit for bit the ' +
    'same',
  async () => {
    const plain = await tinyRun(SETTINGS);
    const sampled = await tinyRun({
      ...SETTINGS,
      train: { ...SETTINGS.train, samplePrompts: PROMPTS, sampleTokens: 5 },
    });
    const without = await run(plain);
    const events = await run(sampled);
    expect(samplesOf(without)).toEqual([]);
    expect(samplesOf(events).map(({ step, texts }) => [step, texts.length])).toEqual([
      [0, 2],
      [2, 2],
      [4, 2],
      [6, 2],
    ]);
    // Rows that ask 'row x' are answered by b's; nothing asks the other prompt.
    const started = events.find((event) => event.type === 'started');
    expect(started).toMatchObject({ expected: [expect.stringMatching(/^ b+$/) as string, null] });
    expect(without.find((event) => event.type === 'started')).not.toHaveProperty('expected');
    expect(bytes(sampled)).toEqual(bytes(plain));
    expect(events.flatMap((event) => (event.type === 'step' ? [event.loss] : []))).toEqual(
      without.flatMap((event) => (event.type === 'step' ? [event.loss] : [])),
    );
  },
);

it('the last ones are what the saved adapter writes, token by token without a cache', async () => {
  const spec = await tinyRun({ train: { steps: 5, samplePrompts: PROMPTS, sampleTokens: 6 } });
  const { texts } = samplesOf(await run(spec)).at(-1)!;
  const base = openBaseModel(spec.model.dir);
  const model = (await loadDecoder(base)).with(loadAdapter(spec.outDir, base));
  const tokenizer = loadTokenizer(spec.model.dir);
  const eos = new Set([...tokenizer.eosIds, ...model.spec.eosTokenIds]);
  const expected = PROMPTS.map((prompt) => {
    const ids = tokenizer.encodePrompt(prompt);
    const asked = ids.length;
    while (ids.length < asked + 6) {
      const next = tf.tidy(() => {
        const logits = model.logits(model.hidden(Int32Array.from(ids), 1, ids.length));
        return tf.argMax(logits, -1).dataSync()[ids.length - 1]!;
      });
      if (eos.has(next)) break;
      ids.push(next);
    }
    return tokenizer.decode(ids).slice(tokenizer.decode(ids.slice(0, asked)).length);
  });
  base.close();
  expect(texts).toEqual(expected);
});

it('leave no tensor behind', async () => {
  const counts: number[] = [];
  await run(await tinyRun({ train: { steps: 6, evalEvery: 1, samplePrompts: PROMPTS, sampleTokens: 4 } }), (event) => {
    if (event.type === 'sample' && event.step > 0) counts.push(tf.memory().numTensors);
  });
  expect(counts).toHaveLength(6);
  expect(new Set(counts).size).toBe(1);
});

it('are refused where they make no sense, before anything is trained', async () => {
  const labelled = Array.from({ length: 8 }, (_, i) => JSON.stringify({ text: `text ${i}`, label: i % 2 ? 'a' : 'b' }));
  const classifies = await tinyRun({ rows: labelled, data: { classify: true }, train: { samplePrompts: ['x'] } });
  await expect(run(classifies)).rejects.toMatchObject({ code: 'SAMPLES_NEED_TEXT', kind: 'usage' });
  const long = await tinyRun({ train: { samplePrompts: ['x'.repeat(3000)] } });
  await expect(run(long)).rejects.toMatchObject({
    code: 'SAMPLE_PROMPT_TOO_LONG',
    message: expect.stringMatching(/sees at most \d+; shorten it\.$/) as string,
  });
});
