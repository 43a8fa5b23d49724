/** The official JavaScript client of OpenAI against a service on a tiny model with four tasks. */
import fs from 'node:fs';
import path from 'node:path';
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError, PermissionDeniedError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomAdapter } from '../../../test-support/fixtures/adapters.ts';
import { TINY_LLAMA, writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { writeTinyTokenizer } from '../../../test-support/fixtures/tinyTokenizer.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import { useBackend } from '../../worker/backend.ts';
import { openServing } from './server.ts';

const TASKS = ['tickets', 'describe', 'extract', 'rhymes'];
const KEY = 'a-key-for-tests';

let bench: TestBench;
let client: OpenAI;
let modelId: string;
/** By task. */
const adapters = new Map<string, string>();

const clientOf = (address: string, apiKey = KEY): OpenAI =>
  new OpenAI({ baseURL: address, apiKey, maxRetries: 0, timeout: 20_000 });

async function start(id = modelId): Promise<OpenAI> {
  await bench.services.serving.stop();
  const { address } = await bench.services.serving.start({ modelId: id, engine: 'wasm', port: 0, apiKey: KEY });
  return clientOf(address!);
}

async function addAdapter(modelDir: string, task: string, seed: number): Promise<string> {
  const made = path.join(bench.dir, `made ${seed}`);
  const dir = await randomAdapter(modelDir, seed % 2 ? ['q', 'v'] : ['q', 'k', 'up'], seed, made);
  const { id } = await bench.api.adapters.import({ dir, taskName: task, name: `${task} ${seed}` });
  const { id: taskId } = (await bench.api.tasks.list()).find(({ name }) => name === task)!;
  await bench.api.tasks.switch({ taskId, adapterId: id });
  return id;
}

beforeAll(async () => {
  await useBackend('wasm'); // which makes the adapters
  bench = openBench({ openServing });
  const config = { ...TINY_LLAMA, max_position_embeddings: 160 };
  const dir = await writeTinyModel(path.join(bench.dir, 'model'), { config });
  modelId = (await bench.api.models.add({ dir })).id;
  for (const [i, task] of TASKS.entries()) adapters.set(task, await addAdapter(dir, task, i + 1));
  client = await start();
});

afterAll(() => bench.close());

const chat = (model: string, content: string, more: object = {}) =>
  client.chat.completions.create({
    model,
    messages: [{ role: 'user', content }],
    temperature: 0,
    max_tokens: 12,
    ...more,
    stream: false,
  });

describe('the official client', () => {
  it('lists the base and every task as models', async () => {
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toEqual(['base', ...TASKS.toSorted()]);
    expect(await client.models.retrieve('tickets')).toMatchObject({ id: 'tickets', object: 'model' });
    await expect(client.models.retrieve('nothing')).rejects.toBeInstanceOf(NotFoundError);
  });

  it('chats, each task with its adapter, and is told what it used', async () => {
    const answers = await Promise.all(['base', ...TASKS].map((model) => chat(model, 'Hello')));
    expect(new Set(answers.map(({ choices }) => choices[0]!.message.content)).size).toBe(5);
    for (const { choices, usage, object, model } of answers) {
      expect(object).toBe('chat.completion');
      expect(choices).toHaveLength(1);
      expect(choices[0]).toMatchObject({ index: 0, message: { role: 'assistant', refusal: null } });
      expect(['stop', 'length']).toContain(choices[0]!.finish_reason);
      expect(['base', ...TASKS]).toContain(model);
      expect(usage!.total_tokens).toBe(usage!.prompt_tokens + usage!.completion_tokens);
    }
  });

  it('streams what it else gets whole, with usage at the end where asked for', async () => {
    const whole = await chat('tickets', 'Hello', { n: 2, logprobs: true, top_logprobs: 3 });
    const stream = await client.chat.completions.create({
      model: 'tickets',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
      temperature: 0,
      max_completion_tokens: 12,
      n: 2,
      logprobs: true,
      top_logprobs: 3,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts = ['', ''];
    const reasons: (string | null)[] = [];
    const tokens: OpenAI.ChatCompletionTokenLogprob[][] = [[], []];
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      if (chunk.usage) usage = chunk.usage;
      for (const { index, delta, finish_reason: reason, logprobs } of chunk.choices) {
        texts[index] += delta.content ?? '';
        tokens[index]!.push(...(logprobs?.content ?? []));
        if (reason) reasons[index] = reason;
      }
    }
    expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
    expect(reasons).toEqual(whole.choices.map(({ finish_reason: reason }) => reason));
    expect(usage).toEqual(whole.usage);
    for (const [index, { logprobs }] of whole.choices.entries()) {
      const wanted = logprobs!.content!;
      expect(tokens[index]!.map(({ token, bytes }) => [token, bytes])).toEqual(
        wanted.map(({ token, bytes }) => [token, bytes]),
      );
      // Rows that come in other company are rounded otherwise.
      wanted.forEach(({ logprob }, i) => expect(tokens[index]![i]!.logprob).toBeCloseTo(logprob, 3));
    }
    expect(tokens[0]![0]!.top_logprobs).toHaveLength(3);
    expect(tokens[0]!.map(({ token }) => token).join('')).toBe(texts[0]);
    for (const { logprob, top_logprobs: top } of tokens[0]!) expect(logprob).toBeCloseTo(top[0]!.logprob, 10);
  });

  it('continues texts and token ids, several at once, and ends at a stop text', async () => {
    const ask = { model: 'describe', temperature: 0, max_tokens: 10 } as const;
    const bytes = [...Buffer.from('One day')];
    const both = await client.completions.create({ ...ask, prompt: ['One day', 'Two'], n: 2, logprobs: 2 });
    // A prompt of ids goes as it is, so its BOS stands in it.
    const ids = await client.completions.create({ ...ask, prompt: [256, ...bytes], logprobs: 2 });
    expect(both.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(both.choices[1]!.text).toBe(both.choices[0]!.text);
    expect(read(ids)).toEqual(read(both));
    expect(both.usage).toEqual({ prompt_tokens: 8 + 4, completion_tokens: 40, total_tokens: 52 });
    const { text, logprobs } = ids.choices[0]!;
    expect(logprobs!.tokens!.join('')).toBe(text);
    expect(logprobs!.text_offset!.at(-1)! + logprobs!.tokens!.at(-1)!.length).toBe(text.length);
    const stop = [...text].find((letter) => letter > ' ' && letter < '~')!;
    const stopped = await client.completions.create({ ...ask, prompt: 'One day', stop });
    expect(stopped.choices[0]).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finish_reason: 'stop' });
  });

  it('the same seed gives the same answer, another another, and none some other each time', async () => {
    const sampled = async (seed?: number) =>
      (await chat('base', 'Hello', { temperature: 1.2, top_p: 0.95, seed })).choices[0]!.message.content;
    expect(await sampled(7)).toBe(await sampled(7));
    expect(await sampled(8)).not.toBe(await sampled(7));
    expect(await sampled()).not.toBe(await sampled());
  });

  it('meets its own classes of errors', async () => {
    const { address } = bench.services.serving.state;
    await expect(clientOf(address!, 'another-key').models.list()).rejects.toBeInstanceOf(AuthenticationError);
    await expect(chat('nothing', 'Hello')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    await expect(chat('nothing', 'Hello')).rejects.toBeInstanceOf(NotFoundError);
    await expect(client.embeddings.create({ model: 'base', input: 'x' })).rejects.toBeInstanceOf(BadRequestError);
    const web = new OpenAI({
      baseURL: address!,
      apiKey: KEY,
      maxRetries: 0,
      defaultHeaders: { origin: 'http://x.example' },
    });
    await expect(web.models.list()).rejects.toBeInstanceOf(PermissionDeniedError);
  });

  it.each<[string, object, string | null, string?]>([
    [
      'a prompt longer than the context',
      { messages: [{ role: 'user', content: 'x'.repeat(300) }] },
      null,
      'context_length_exceeded',
    ],
    ['JSON by grammar', { response_format: { type: 'json_object' } }, 'response_format'],
    ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools'],
    [
      'a picture',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages.0.content',
    ],
    [
      'a role that there is none of',
      { messages: [{ role: 'tool', content: 'x', tool_call_id: '1' }] },
      'messages.0.role',
    ],
    ['a temperature out of range', { temperature: 3 }, 'temperature'],
    ['a penalty', { frequency_penalty: 0.5 }, 'frequency_penalty'],
    ['a field that nobody knows', { mirostat: 2 }, 'mirostat', 'unknown_parameter'],
    ['likelihoods without asking for them', { top_logprobs: 2 }, 'top_logprobs'],
    ['no message', { messages: [] }, 'messages'],
  ])('is refused %s in one sentence that names the field', async (_, more, param, code) => {
    const refused = chat('base', 'Hello', more);
    await expect(refused).rejects.toBeInstanceOf(BadRequestError);
    await expect(refused).rejects.toMatchObject({ status: 400, type: 'invalid_request_error', param });
    if (code !== undefined) await expect(refused).rejects.toMatchObject({ code });
  });
});

it('a task answers with another adapter after a switch, without a new start, and as the base with none', async () => {
  const { id: taskId } = (await bench.api.tasks.list()).find(({ name }) => name === 'rhymes')!;
  const answer = async (model = 'rhymes') => (await chat(model, 'Hello')).choices[0]!.message.content;
  const before = await answer();
  const other = await addAdapter((await bench.api.models.list())[0]!.dir, 'rhymes', 9);
  expect(adapters.get('rhymes')).not.toBe(other);
  const after = await answer();
  expect(after).not.toBe(before);
  await bench.api.tasks.switch({ taskId, adapterId: null });
  expect(await answer()).toBe(await answer('base'));
  await bench.api.tasks.switch({ taskId, adapterId: adapters.get('rhymes')! });
  expect(await answer()).toBe(before);
});

/** What does not depend on the company in the batch: likelihoods are rounded otherwise there. */
function read({ choices: [choice] }: OpenAI.Completion) {
  return { text: choice!.text, tokens: choice!.logprobs!.tokens, reason: choice!.finish_reason };
}

it('32 clients on 4 tasks at once get the answers that they get alone', async () => {
  const asks = Array.from({ length: 32 }, (_, i) => ({
    model: TASKS[i % 4]!,
    prompt: `${'Once upon a time '.slice(0, 1 + ((i * 5) % 17))}${i}`,
    temperature: 0,
    max_tokens: 4 + ((i * 7) % 20),
    logprobs: 1,
  }));
  const alone: object[] = [];
  for (const ask of asks) alone.push(read(await client.completions.create(ask)));
  const { address } = bench.services.serving.state;
  const together = await Promise.all(asks.map(async (ask) => read(await clientOf(address!).completions.create(ask))));
  expect(together).toEqual(alone);
  expect(new Set(alone.map((one) => JSON.stringify(one))).size).toBeGreaterThan(20);
});

it('an answer ends when its client goes away, and a stopped service ends them all', async () => {
  const long = () =>
    client.chat.completions.create({
      model: 'base',
      messages: [{ role: 'user', content: 'Hello' }],
      temperature: 0, // fills the context; drawn, an answer may end by itself before it is broken off
      stop: [],
      stream: true,
    });
  const { serving } = bench.services;
  const stream = await long();
  for await (const { id } of stream) if (id) break; // breaking off closes the connection
  await expect.poll(() => serving.state.answering).toBe(0);
  const other = await long();
  const reading = (async () => {
    for await (const { id } of other) if (id) await serving.stop();
  })();
  await expect(reading).rejects.toThrow();
  expect(serving.state).toMatchObject({ status: 'off', address: null, answering: 0 });
  client = await start();
  expect((await chat('base', 'Hello')).choices).toHaveLength(1);
});

it('a model process that dies is replaced by the next request', async () => {
  await chat('base', 'Hello');
  process.kill(bench.services.serving.state.pid!, 'SIGKILL');
  await expect.poll(() => bench.services.serving.state.crashed?.code).toBe('SERVING_CRASHED');
  expect((await chat('base', 'Hello')).choices).toHaveLength(1);
  expect(bench.services.serving.state.crashed).toBeNull();
});

describe.each(['llama', 'gpt2'])('golden %s', (family) => {
  const golden = `golden/${family}/base`;
  it.skipIf(!hasShared(golden))(`PyTorch's greedy tokens come over HTTP${skipNote(golden)}`, async () => {
    const dir = path.join(bench.dir, family);
    fs.cpSync(sharedPath(golden), dir, { recursive: true });
    fs.chmodSync(dir, 0o700);
    writeTinyTokenizer(dir);
    const { greedy } = (
      JSON.parse(fs.readFileSync(sharedPath(`${golden}/golden.json`), 'utf8')) as {
        generation: { greedy: { prompt: number[]; new_tokens: number[] } };
      }
    ).generation;
    const { id } = await bench.api.models.add({ dir });
    client = await start(id);
    const { choices } = await client.completions.create({
      model: 'base',
      prompt: greedy.prompt,
      max_tokens: greedy.new_tokens.length,
      temperature: 0,
    });
    expect(choices[0]!.text).toBe(Buffer.from(greedy.new_tokens).toString('utf8'));
  });
});
