/** The resident model: switching adapters, refusing wrong ones, and generating. */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { randomAdapter } from '../../../test-support/fixtures/adapters.ts';
import { loadModel } from '../../../test-support/goldens/goldens.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { WorkerClient } from '../../app/workers/client.ts';
import { forkWorker } from '../../app/workers/channel.ts';
import { mergeAdapter } from '../../merging/merge.ts';
import { readPeftAdapter } from '../../methods/lora/peft.ts';
import { CallControl } from '../control.ts';
import { useBackend } from '../backend.ts';
import type { GenerateParams, GenerateResult } from '../../../src-shared/generation.ts';
import { Resident } from './resident.ts';

const PROMPT: GenerateParams = { prompt: 'Hello', maxNew: 20, temperature: 0 };

let modelDir: string;
let resident: Resident;

beforeAll(async () => void (await useBackend('wasm')));

beforeEach(async () => {
  modelDir = await writeTinyModel(path.join(temporaryFolder(), 'model'));
  resident = new Resident();
});

async function load(): Promise<void> {
  await resident.load({ engine: 'wasm', modelDir });
}

function ask(
  params: Partial<GenerateParams> = {},
  onText: (text: string) => void = () => undefined,
  control = new CallControl(),
): Promise<GenerateResult> {
  return resident.generate({ ...PROMPT, ...params }, ({ text }) => onText(text), control);
}

/** Greedy text without cache or resident: the whole text goes through the model for every token. */
function greedyReference(dir: string): string {
  const tokenizer = loadTokenizer(dir);
  const model = loadModel(dir);
  const prompt = tokenizer.encodePrompt(PROMPT.prompt);
  const ids = [...prompt];
  for (let i = 0; i < PROMPT.maxNew; i++) {
    const next = tf.tidy(() => {
      const h = model.hidden(ids, 1, ids.length);
      return (tf.argMax(model.logits(h), -1) as tf.Tensor1D).dataSync()[ids.length - 1]!;
    });
    if (tokenizer.eosIds.includes(next)) break;
    ids.push(next);
  }
  model.dispose();
  return tokenizer.decode(ids.slice(prompt.length));
}

async function mergedFolder(adapterDir: string): Promise<string> {
  const outDir = path.join(temporaryFolder(), 'merged');
  const base = openBaseModel(modelDir);
  await mergeAdapter({ base, adapter: readPeftAdapter(adapterDir), outDir });
  base.close();
  return outDir;
}

describe('switching', () => {
  it('gives the texts of base and adapters, however often they are switched, and piles up no tensors', async () => {
    const adapters = [
      await randomAdapter(modelDir, ['q', 'v'], 1),
      await randomAdapter(modelDir, ['q', 'up'], 2),
      null,
    ];
    const wanted = [
      greedyReference(await mergedFolder(adapters[0]!)),
      greedyReference(await mergedFolder(adapters[1]!)),
      greedyReference(modelDir),
    ];
    expect(new Set(wanted).size).toBe(3);
    await load();
    const tensors: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (const [i, adapter] of adapters.entries()) {
        const { switchMs } = await resident.attach(adapter);
        expect(switchMs).toBeGreaterThan(0);
        expect((await ask()).text).toBe(wanted[i]);
      }
      tensors.push(tf.memory().numTensors);
    }
    expect(new Set(tensors.slice(1)).size).toBe(1);
  });

  it('merges adapters into the weights instead, and takes them out again', async () => {
    const [one, two] = [await randomAdapter(modelDir, ['q', 'v'], 1), await randomAdapter(modelDir, ['q', 'up'], 2)];
    const texts = [
      greedyReference(modelDir),
      greedyReference(await mergedFolder(one)),
      greedyReference(await mergedFolder(two)),
    ];
    await load();
    const before = tf.memory().numTensors;
    for (const [text, dir] of [
      [texts[1], one],
      [texts[2], two],
    ] as const) {
      await resident.attach(two);
      await resident.mergeInto([{ adapterDir: dir, scale: 1 }]);
      expect((await ask()).text).toBe(text);
    }
    await resident.mergeInto([
      { adapterDir: one, scale: 0.5 },
      { adapterDir: one, scale: 0.5 },
    ]);
    expect((await ask()).text).toBe(texts[1]);
    await resident.attach(null);
    expect((await ask()).text).toBe(texts[0]);
    await resident.mergeInto([{ adapterDir: one, scale: 1 }]);
    const compared = await resident.compare(
      { ...PROMPT, adapterDirs: [null, two] },
      () => undefined,
      new CallControl(),
    );
    expect(compared.map(({ text }) => text)).toEqual([texts[0], texts[2]]);
    expect(tf.memory().numTensors).toBe(before + 2); // the rotary tables, made when the first prompt came
  });

  it(
    'compares adapters in one batch: the texts that each gives when it is attached, the attached one kept in ' +
      'place',
    async () => {
      const adapters = [
        null,
        await randomAdapter(modelDir, ['q', 'v'], 1),
        await randomAdapter(modelDir, ['q', 'up'], 2),
      ];
      await load();
      const wanted: GenerateResult[] = [];
      for (const adapter of adapters) {
        await resident.attach(adapter);
        wanted.push(await ask({ stop: ['zz'] }));
      }
      const tensors = tf.memory().numTensors;
      const compared = await resident.compare(
        { ...PROMPT, stop: ['zz'], adapterDirs: adapters },
        () => undefined,
        new CallControl(),
      );
      expect(compared.map(({ text, tokens, stopReason }) => ({ text, tokens, stopReason }))).toEqual(
        wanted.map(({ text, tokens, stopReason }) => ({ text, tokens, stopReason })),
      );
      expect(new Set(compared.map(({ text }) => text)).size).toBe(3);
      expect((await ask({ stop: ['zz'] })).text).toBe(wanted[2]!.text);
      expect(tf.memory().numTensors).toBe(tensors);
    },
  );

  it('keeps the adapter in place when the next one belongs to another base or is broken', async () => {
    const own = await randomAdapter(modelDir, ['q', 'v'], 1);
    const other = await writeTinyModel(path.join(temporaryFolder(), 'other'), { seed: 1 });
    const foreign = await randomAdapter(other, ['q', 'v'], 3);
    const broken = await randomAdapter(modelDir, ['q', 'v'], 4);
    fs.truncateSync(path.join(broken, 'adapter_model.safetensors'), 300);
    await load();
    await resident.attach(own);
    const { text } = await ask();
    const tensors = tf.memory().numTensors;
    await expect(resident.attach(foreign)).rejects.toMatchObject({ code: 'ADAPTER_WRONG_BASE' });
    await expect(resident.attach(broken)).rejects.toMatchObject({
      code: expect.stringMatching(/^SAFETENSORS_/) as string,
    });
    expect((await ask()).text).toBe(text);
    expect(text).not.toBe(greedyReference(modelDir));
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('frees the old base when another one is loaded, and refuses to work without one', async () => {
    await expect(ask()).rejects.toMatchObject({ code: 'NO_MODEL_LOADED' });
    await expect(resident.attach(null)).rejects.toMatchObject({ code: 'NO_MODEL_LOADED' });
    await load();
    await resident.attach(await randomAdapter(modelDir, ['q'], 1));
    const facts = await resident.load({ engine: 'wasm', modelDir });
    const tensors = tf.memory().numTensors;
    expect(facts).toMatchObject({
      engine: 'wasm',
      totalParameters: 258 * 16 + 2 * (256 + 128 + 128 + 256 + 3 * 384 + 32) + 16,
    });
    await resident.attach(await randomAdapter(modelDir, ['q'], 1));
    await load();
    expect(tf.memory().numTensors).toBe(tensors);
    expect((await ask()).text).toBe(greedyReference(modelDir));
  });
});

describe('generating', () => {
  it('streams exactly the text it returns', async () => {
    await load();
    const pieces: string[] = [];
    const result = await ask({}, (text) => void pieces.push(text));
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe(result.text);
    expect(result).toMatchObject({ tokens: 20, promptTokens: 6, stopReason: 'length' });
  });

  it('the same seed samples the same text, another one another', async () => {
    await load();
    const sample = async (seed: number): Promise<string> => (await ask({ temperature: 1, seed })).text;
    const first = await sample(5);
    expect(await sample(5)).toBe(first);
    expect(await sample(6)).not.toBe(first);
  });

  it('ends before a stop string, also when it comes with the very last token', async () => {
    await load();
    const params = { temperature: 1, seed: 5 };
    const { text } = await ask(params);
    const stop = [...text].find((character) => character > ' ' && character < '~')!;
    const at = text.indexOf(stop);
    const stopped = await ask({ ...params, stop: [stop] });
    expect(stopped).toMatchObject({ text: text.slice(0, at), stopReason: 'stop' });
    expect(stopped.tokens).toBeLessThan(20);
    expect(await ask({ ...params, maxNew: stopped.tokens, stop: [stop] })).toMatchObject({
      text: text.slice(0, at),
      stopReason: 'stop',
    });
    expect(await ask({ ...params, maxNew: stopped.tokens - 1, stop: [stop] })).toMatchObject({ stopReason: 'length' });
  });

  it('can be cancelled between two tokens', async () => {
    await load();
    const control = new CallControl();
    const result = await ask({ maxNew: 50 }, () => control.ask('stop'), control);
    expect(result.stopReason).toBe('cancelled');
    expect(result.tokens).toBeLessThan(10);
  });

  it('a worker process hears the cancellation while it generates', async () => {
    const client = new WorkerClient(forkWorker());
    try {
      await client.call('load', { engine: 'wasm', modelDir }).promise;
      const call = client.call('generate', { ...PROMPT, maxNew: 50 }, () => call.control('stop'));
      expect(await call.promise).toMatchObject({ stopReason: 'cancelled' });
    } finally {
      client.kill();
    }
  });
});

describe('the token that training taught as the end of an answer', () => {
  function record(adapterDir: string, ids: number[]): void {
    const file = path.join(adapterDir, 'graft.json');
    const info = JSON.parse(fs.readFileSync(file, 'utf8')) as object;
    fs.writeFileSync(file, JSON.stringify({ ...info, endTokens: ids.map((id) => ({ id, text: 'end' })) }));
  }

  it('ends the answers of its adapter, attached, compared and merged in, and of no other', async () => {
    const adapterDir = await randomAdapter(modelDir, ['q', 'v'], 1);
    await load();
    const plain = await ask();
    await resident.attach(adapterDir);
    const whole = await ask({ probabilities: true });
    const end = whole.probabilities![2]!.id;
    const until = whole.probabilities!.findIndex(({ id }) => id === end);
    record(adapterDir, [end]);
    await resident.attach(adapterDir);
    expect(await ask()).toMatchObject({ stopReason: 'eos', tokens: until });
    await resident.mergeInto([{ adapterDir, scale: 1 }]);
    expect(await ask()).toMatchObject({ stopReason: 'eos', tokens: until });
    const compared = await resident.compare(
      { ...PROMPT, adapterDirs: [null, adapterDir] },
      () => undefined,
      new CallControl(),
    );
    expect(compared).toMatchObject([{ text: plain.text }, { stopReason: 'eos', tokens: until }]);
    await resident.attach(null);
    expect((await ask()).text).toBe(plain.text);
  });
});
