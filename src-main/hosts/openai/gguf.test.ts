/** The service on a GGUF file in llama.cpp, and what llama.cpp says of the answers of Graft's own engine. */
import path from 'node:path';
import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { exportGguf } from '../../gguf/exportGguf.ts';
import { tokenizerMetadata } from '../../gguf/tokenizer/toGguf.ts';
import { MODEL, openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import { openServing } from './server.ts';

const KEY = 'a-key-for-tests';
let bench: TestBench;
let file: string;
let client: OpenAI;

beforeAll(async () => {
  bench = openBench({ openServing });
  file = path.join(bench.dir, 'starter.gguf');
  const base = openBaseModel(MODEL);
  const metadata = tokenizerMetadata(MODEL, base.config);
  await exportGguf({ base, quantise: 'F32', tokenizerMetadata: metadata, outFile: file });
  base.close();
  client = await start({ gguf: file });
});

afterAll(() => bench.close());

async function start(on: object): Promise<OpenAI> {
  await bench.services.serving.stop();
  const { address } = await bench.services.serving.start({ ...on, engine: 'wasm', port: 0, apiKey: KEY });
  return new OpenAI({ baseURL: address!, apiKey: KEY, maxRetries: 0, timeout: 30_000 });
}

const PROMPTS = ['One day, Lily saw a', 'Tom and Max', 'The sun', 'name: Clever Oak | kind: bistro', 'Anna had a'];
const complete = async (prompt: string, more: object = {}): Promise<string> =>
  (await client.completions.create({ model: 'base', prompt, temperature: 0, max_tokens: 24, ...more })).choices[0]!
    .text;

it('writes what the engine of Graft writes on the same weights, one by one and together', async () => {
  const alone: string[] = [];
  for (const prompt of PROMPTS) alone.push(await complete(prompt));
  const many = Array.from({ length: 4 }, () => PROMPTS).flat();
  // Sampled on several threads, some tokens went to another's answer, in one of these rounds of five (sampleInTurn.ts).
  for (let round = 0; round < 5; round++)
    expect(await Promise.all(many.map((prompt) => complete(prompt)))).toEqual(many.map((_, i) => alone[i % 5]));
  const chat = async (): Promise<string | null> =>
    (
      await client.chat.completions.create({
        model: 'base',
        messages: [{ role: 'user', content: 'Hello' }],
        temperature: 0,
        max_tokens: 20,
      })
    ).choices[0]!.message.content;
  const chatted = await chat();
  const { id } = await bench.api.models.add({ dir: MODEL });
  client = await start({ modelId: id });
  expect(await Promise.all(PROMPTS.map((prompt) => complete(prompt)))).toEqual(alone);
  expect(await chat()).toBe(chatted);
  client = await start({ gguf: file });
});

it('streams, ends at a stop text, samples by seed and tells what it used', async () => {
  const whole = await complete(PROMPTS[0]!);
  const stream = await client.completions.create({
    model: 'starter.gguf',
    prompt: PROMPTS[0]!,
    temperature: 0,
    max_tokens: 24,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.text ?? '';
    usage = chunk.usage ?? usage;
  }
  expect(text).toBe(whole);
  expect(usage).toMatchObject({ completion_tokens: 24 });
  const stop = whole.slice(20, 24);
  expect(await complete(PROMPTS[0]!, { stop })).toBe(whole.slice(0, whole.indexOf(stop)));
  const sampled = (seed: number) => complete(PROMPTS[0]!, { temperature: 1, seed });
  expect(await sampled(3)).toBe(await sampled(3));
  expect(await sampled(4)).not.toBe(await sampled(3));
});

it('gives JSON of a schema, which the engine of Graft refuses', async () => {
  const schema = { type: 'object', properties: { sunny: { type: 'boolean' }, pet: { enum: ['cat', 'dog'] } } };
  const ask = () =>
    client.chat.completions.create({
      model: 'base',
      messages: [{ role: 'user', content: 'Hello' }],
      temperature: 1,
      max_tokens: 100,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
    });
  for (let i = 0; i < 3; i++) {
    const parsed = JSON.parse((await ask()).choices[0]!.message.content!) as { sunny: unknown; pet: unknown };
    expect(typeof parsed.sunny).toBe('boolean');
    expect(['cat', 'dog']).toContain(parsed.pet);
  }
});

it('refuses a schema of which llama.cpp would pass something over', async () => {
  const schema = { type: 'object', properties: { age: { type: 'integer', minimum: 18 } } };
  const refused = client.chat.completions.create({
    model: 'base',
    messages: [{ role: 'user', content: 'Hello' }],
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
  });
  await expect(refused).rejects.toMatchObject({ status: 400, code: 'invalid_schema' });
  await expect(refused).rejects.toThrow(/"minimum"/);
});

it('refuses likelihoods, tasks, and prompts that are too long', async () => {
  await expect(complete('x', { logprobs: 1 })).rejects.toMatchObject({ status: 400, param: 'logprobs' });
  await expect(complete('x', { model: 'tickets' })).rejects.toBeInstanceOf(NotFoundError);
  await expect(complete('One day '.repeat(400))).rejects.toBeInstanceOf(BadRequestError);
  await expect(bench.services.serving.start({ gguf: file })).rejects.toMatchObject({ code: 'SERVING_ON' });
});
