/** Many requests on one base at once, for the base, LoRAs and adapters of other methods: what each gets alone. */
import { setTimeout } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { attachTrained, settingsOf, writeFamily } from '../../../test-support/cases/methodCases.ts';
import { randomAdapter } from '../../../test-support/fixtures/adapters.ts';
import { WorkerClient } from '../../app/workers/client.ts';
import { forkWorker } from '../../app/workers/channel.ts';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { loadModel } from '../../../test-support/goldens/goldens.ts';
import type { GenerateParams, GenerateResult } from '../../../src-shared/generation.ts';
import { Random } from '../../../src-shared/random.ts';
import { CallControl } from '../control.ts';
import { useBackend } from '../backend.ts';
import { AnswersTogether } from './answersTogether.ts';
import { Resident } from './resident.ts';

let modelDir: string;
let base: BaseModel;
let model: Decoder;
let together: AnswersTogether;

beforeAll(async () => void (await useBackend('wasm')));

beforeEach(async () => {
  modelDir = await writeFamily('llama');
  base = openBaseModel(modelDir);
  model = loadModel(modelDir);
});

afterEach(() => {
  together.dispose();
  model.dispose();
  base.close();
});

function serve(mostColumns = 100_000): void {
  together = new AnswersTogether({ model, tokenizer: loadTokenizer(modelDir), base }, mostColumns);
}

interface Wanted extends Omit<GenerateParams, 'prompt' | 'ids'> {
  ids: number[];
  dir: string | null;
}

const ask = (
  { dir, ...params }: Wanted,
  control = new CallControl(),
  onText: (text: string) => void = () => undefined,
) =>
  together.answer({ prompt: '', probabilities: true, named: 1, ...params }, dir, ({ text }) => onText(text), control);

/** What counts of an answer; the names of likely tokens come with it. */
const read = ({ text, tokens, promptTokens, stopReason, probabilities }: GenerateResult): object => ({
  text,
  tokens,
  promptTokens,
  stopReason,
  ids: probabilities?.map(({ id }) => id),
});

/** The base, two LoRAs, and two adapters that no batch can hold beside others. */
async function adapters(): Promise<(string | null)[]> {
  const others: string[] = [];
  for (const name of ['dora', 'prefix-embedding']) {
    const { base: own, method, model: attached, outDir } = await attachTrained(modelDir, settingsOf('llama', name));
    await method.save(outDir);
    others.push(outDir);
    attached.dispose();
    own.close();
  }
  return [null, await randomAdapter(modelDir, ['q', 'v'], 1), await randomAdapter(modelDir, ['q', 'up'], 2), ...others];
}

function requests(dirs: (string | null)[], count: number): Wanted[] {
  const random = new Random(3);
  return Array.from({ length: count }, (_, i) => ({
    dir: dirs[i % dirs.length]!,
    ids: Array.from({ length: 1 + random.integer(20) }, () => random.integer(model.spec.vocab)),
    maxNew: 4 + random.integer(24),
    temperature: i % 4 === 3 ? 1 : 0,
    seed: i,
    ...(i % 5 === 4 ? { repetitionPenalty: 1.3 } : {}),
  }));
}

/** The answers of the resident model with nothing but that adapter on it, one after the other. */
async function alone(wanted: Wanted[]): Promise<object[]> {
  const resident = new Resident();
  await resident.load({ engine: 'wasm', modelDir });
  const results: object[] = [];
  for (const { dir, ...params } of wanted) {
    await resident.attach(dir);
    const all = { prompt: '', probabilities: true, named: 1, ...params };
    results.push(read(await resident.generate(all, () => undefined, new CallControl())));
  }
  return results;
}

it('32 requests for five adapters at once get what each gets alone, and leave no tensor behind', async () => {
  serve();
  const wanted = requests(await adapters(), 32);
  const expected = await alone(wanted);
  expect(new Set(expected.map((one) => JSON.stringify(one))).size).toBe(32);
  await Promise.all(wanted.map((one) => ask(one).then(read)));
  const before = tf.memory().numTensors;
  const results = await Promise.all(
    wanted.map(async (one, i) => {
      await setTimeout(i % 3);
      return read(await ask(one));
    }),
  );
  expect(results).toEqual(expected);
  await setTimeout(1);
  expect(tf.memory().numTensors).toBe(before);
});

it('where keys and values outgrow their room, answers give way and go on as if they had not', async () => {
  // Some go on until they have filled the context, 64 tokens.
  const wanted = requests(await adapters(), 16).map((one, i) => (i % 2 || i % 5 === 4 ? { ...one, maxNew: 100 } : one));
  const expected = await alone(wanted);
  serve(150);
  expect((await Promise.all(wanted.map((one) => ask(one)))).map(read)).toEqual(expected);
  // Virtual tokens between prompt and answer stay there.
  const prefixed = wanted.map((one, i) => ({ ...one, i })).filter(({ i }) => i % 5 === 4);
  together.dispose();
  serve(112);
  expect((await Promise.all(prefixed.map(({ i: _, ...one }) => ask(one)))).map(read)).toEqual(
    prefixed.map(({ i }) => expected[i]),
  );
});

it('an answer that is not wanted any more ends, waiting or under way, and the others do not notice', async () => {
  serve(70);
  const [first, second, third] = requests([null], 3).map((one) => ({ ...one, maxNew: 30, temperature: 0 })) as [
    Wanted,
    Wanted,
    Wanted,
  ];
  const [expected] = await alone([first]);
  const controls = [new CallControl(), new CallControl()] as const;
  const results = await Promise.all([
    ask(first, new CallControl(), () => controls[1].ask('stop')),
    ask(second, controls[0], () => controls[0].ask('stop')),
    ask(third, controls[1]),
  ]);
  expect(read(results[0])).toEqual(expected);
  expect(results[1]).toMatchObject({ stopReason: 'cancelled' });
  expect(results[1].tokens).toBeLessThan(30);
  expect(results[2]).toMatchObject({ stopReason: 'cancelled' });
});

it('refuses what cannot be answered, each request for itself', async () => {
  serve();
  const good = { dir: null, ids: [5, 6], maxNew: 3, temperature: 0 };
  const settled = await Promise.allSettled([
    ask(good),
    ask({ ...good, ids: [] }),
    ask({ ...good, ids: Array<number>(64).fill(5) }),
    ask({ ...good, ids: [5, 258] }),
    ask({ ...good, dir: '/nowhere' }),
  ]);
  expect(
    settled.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'answered')),
  ).toEqual(['answered', 'EMPTY_PROMPT', 'PROMPT_TOO_LONG', 'TOKEN_OUTSIDE', expect.any(String)]);
});

it('a worker process takes requests in while it answers others', async () => {
  serve();
  const client = new WorkerClient(forkWorker());
  try {
    await client.call('load', { engine: 'wasm', modelDir }).promise;
    const params = { prompt: '', ids: [5, 6], temperature: 0, adapterDir: null };
    const ends: string[] = [];
    const long = client.call('answer', { ...params, maxNew: 60 }, () => {
      short ??= client.call('answer', { ...params, maxNew: 2 }).promise.then(() => void ends.push('short'));
    });
    let short: Promise<void> | undefined;
    await long.promise.then(() => ends.push('long'));
    await short;
    expect(ends).toEqual(['short', 'long']);
  } finally {
    client.kill();
  }
});
