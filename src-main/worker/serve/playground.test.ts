/**
 * What the playground asks of a resident model: streamed comparisons, token probabilities, conversations, penalties.
 */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { randomAdapter } from '../../../test-support/fixtures/adapters.ts';
import { loadModel } from '../../../test-support/goldens/goldens.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { CallControl } from '../control.ts';
import { useBackend } from '../backend.ts';
import type { AnswerPiece, CompareEvent, GenerateParams, GenerateResult } from '../../../src-shared/generation.ts';
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

async function ask(params: Partial<GenerateParams> = {}): Promise<{ result: GenerateResult; pieces: AnswerPiece[] }> {
  const pieces: AnswerPiece[] = [];
  const result = await resident.generate(
    { ...PROMPT, ...params },
    (piece) => void pieces.push(piece),
    new CallControl(),
  );
  return { result, pieces };
}

async function compare(
  adapterDirs: (string | null)[],
  params: Partial<GenerateParams> = {},
  control = new CallControl(),
  onEvent: (event: CompareEvent) => void = () => undefined,
) {
  const events: CompareEvent[] = [];
  const results = await resident.compare(
    { ...PROMPT, ...params, adapterDirs },
    (event) => {
      events.push(event);
      onEvent(event);
    },
    control,
  );
  return { results, events };
}

const textOf = (events: CompareEvent[], row: number): string =>
  events.flatMap((event) => (event.type === 'text' && event.row === row ? [event.text] : [])).join('');

it('a comparison streams every row, side by side, to the texts that it returns and each row ends once', async () => {
  const adapters = [null, await randomAdapter(modelDir, ['q', 'v'], 1), await randomAdapter(modelDir, ['q', 'up'], 2)];
  await load();
  const { results, events } = await compare(adapters);
  const alone: string[] = [];
  for (const adapter of adapters) {
    await resident.attach(adapter);
    alone.push((await ask()).result.text);
  }
  expect(results.map(({ text }) => text)).toEqual(alone);
  adapters.forEach((_, row) => {
    expect(textOf(events, row)).toBe(alone[row]);
    expect(events.flatMap((event) => (event.type === 'done' && event.row === row ? [event.result] : []))).toEqual([
      results[row],
    ]);
  });
  const rows = events.flatMap((event) => (event.type === 'text' ? [event.row] : []));
  expect(rows.lastIndexOf(0)).toBeGreaterThan(rows.indexOf(2)); // in turns, not one after the other
});

it('a comparison that is stopped keeps what each row has written', async () => {
  await load();
  const control = new CallControl();
  const { results, events } = await compare(
    [null, await randomAdapter(modelDir, ['q'], 1)],
    { maxNew: 50 },
    control,
    () => control.ask('stop'),
  );
  results.forEach((result, row) => {
    expect(result.stopReason).toBe('cancelled');
    expect(result.tokens).toBeLessThan(10);
    expect(textOf(events, row)).toBe(result.text);
  });
});

it('probabilities are the softmax of the logits, whatever the sampling; their texts make up the answer', async () => {
  await load();
  const tokenizer = loadTokenizer(modelDir);
  const model = loadModel(modelDir);
  for (const params of [{}, { temperature: 0.7, topK: 3, seed: 4 }, { repetitionPenalty: 3 }]) {
    const { result, pieces } = await ask({ ...params, probabilities: true });
    const tokens = result.probabilities!;
    expect(tokens).toHaveLength(result.tokens);
    expect(tokens.map(({ text }) => text).join('')).toBe(result.text);
    expect(pieces.flatMap(({ probabilities = [] }) => probabilities)).toEqual(tokens);
    const ids = [...tokenizer.encodePrompt(PROMPT.prompt), ...tokens.map(({ id }) => id)];
    const want = tf.tidy(() => tf.softmax(model.logits(model.hidden(ids, 1, ids.length))).arraySync() as number[][]);
    tokens.forEach(({ id, p, top }, i) => {
      const row = want[ids.length - tokens.length + i - 1]!;
      expect(p).toBeCloseTo(row[id]!, 5);
      const best = [...row].sort((a, b) => b - a).slice(0, 5);
      top.forEach((one, n) => expect(one.p).toBeCloseTo(best[n]!, 5));
      if (!('temperature' in params || 'repetitionPenalty' in params)) expect(p).toBe(top[0]!.p);
    });
  }
  model.dispose();
});

it('asking for probabilities does not change the text, and a stop text cuts the last token with it', async () => {
  await load();
  const params = { temperature: 1, seed: 5 };
  const { text } = (await ask(params)).result;
  expect((await ask({ ...params, probabilities: true })).result.text).toBe(text);
  const stop = text.slice(4, 6);
  const { result } = await ask({ ...params, stop: [stop], probabilities: true });
  expect(result.stopReason).toBe('stop');
  expect(result.probabilities!.map((token) => token.text).join('')).toBe(result.text);
});

it('a conversation goes through the chat template as a whole', async () => {
  const file = path.join(modelDir, 'tokenizer_config.json');
  const config = JSON.parse(fs.readFileSync(file, 'utf8')) as object;
  fs.writeFileSync(
    file,
    JSON.stringify({
      ...config,
      chat_template:
        '{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }};{% endfor %}{% if ' +
        'add_generation_prompt %}assistant:{% endif %}',
    }),
  );
  expect(await resident.load({ engine: 'wasm', modelDir })).toMatchObject({ chatTemplate: true });
  const messages = [
    { role: 'system', content: 'be kind' },
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Yo' },
    { role: 'user', content: 'Bye' },
  ] as const;
  const { result } = await ask({ messages: [...messages], prompt: '', maxNew: 6 });
  const written = (await ask({ prompt: 'system: be kind;user: Hi;assistant: Yo;user: Bye;assistant:', maxNew: 6 }))
    .result;
  expect({ ...result, tokensPerSecond: 0 }).toEqual({ ...written, tokensPerSecond: 0 });
  expect(result.promptTokens).toBe(1 + 'system: be kind;user: Hi;assistant: Yo;user: Bye;assistant:'.length);
});

it('a strong penalty keeps greedy text from repeating a token', async () => {
  await load();
  const idsOf = async (repetitionPenalty: number): Promise<number[]> =>
    (await ask({ repetitionPenalty, probabilities: true })).result.probabilities!.map(({ id }) => id);
  const free = await idsOf(1);
  expect(new Set(free).size).toBeLessThan(free.length);
  const held = await idsOf(10);
  expect(new Set(held).size).toBe(held.length);
});

it('loading tells how far it is, up to the whole', async () => {
  const told: { done: number; total: number }[] = [];
  const { totalParameters } = await resident.load({ engine: 'wasm', modelDir }, (event) => void told.push(event));
  expect(told.map(({ done }) => done)).toEqual(told.map(({ done }) => done).toSorted((a, b) => a - b));
  expect(told.at(-1)).toMatchObject({ done: totalParameters, total: totalParameters });
});
