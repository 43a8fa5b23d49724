/** Methods beside LoRA on the whole road: trained, catalogued, evaluated, attached, compared, exported or refused. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAdapter } from '../methods/fileRegistry.ts';
import type { StartRun } from '../app/runs/input.ts';
import type { GenerateResult } from '../../src-shared/generation.ts';
import { MODEL, openBench, smallRun, type TestBench } from '../../test-support/rigs/services.ts';
import type { AdapterView, RunView } from './types.ts';

const METHODS: Record<string, StartRun['method']> = {
  dora: { type: 'lora', rank: 2, targets: ['q', 'down'], dora: true, layers: [2, 3] },
  loha: { type: 'loha', rank: 2 },
  miss: { type: 'miss', rank: 2, targets: ['q', 'down'] },
  ia3: { type: 'ia3', targets: ['k', 'v', 'down'] },
  houlsby: { type: 'adapter', kind: 'houlsby', bottleneck: 4 },
  'prefix-embedding': { type: 'prefix', kind: 'embedding', prefixLength: 3, infixLength: 2 },
  'prefix tuning': { type: 'prefix', kind: 'key-value', prefixLength: 4 },
};
const NAMES = Object.keys(METHODS);

let bench: TestBench;
let input: StartRun;
const adapters = new Map<string, AdapterView>();

async function trained(method: StartRun['method'], data: StartRun['data'] = {}): Promise<RunView> {
  const { id } = await bench.api.runs.start({
    ...input,
    method,
    data,
    train: { steps: 4, batch: 4, lr: 3e-2, warmup: 0, val: 0.2, checkpointEvery: 0 },
  });
  return bench.services.runs.finished(id);
}

beforeAll(async () => {
  bench = openBench();
  input = await smallRun(bench, {}, MODEL);
  for (const name of NAMES) {
    const run = await trained(METHODS[name]!);
    expect(run.error, name).toBeNull();
    adapters.set(
      name,
      (await bench.api.adapters.list({})).find(({ dir }) => dir === run.result!.outDir)!,
    );
  }
}, 120_000);
afterAll(() => bench.close());

it.each(NAMES)('%s is catalogued with its settings, and learnt something', async (name) => {
  const { method, runId, sha256, sizeBytes, dir } = adapters.get(name)!;
  expect(method).toMatchObject(METHODS[name]!);
  const stored = readAdapter(dir);
  expect([stored.sha256, stored.sizeBytes]).toEqual([sha256, sizeBytes]);
  const { result, started } = await bench.api.runs.get({ id: runId! });
  expect(result!.valLoss).toBeLessThan(result!.initialValLoss!);
  const { count, adapterBytes } = await bench.api.models.trainable({ modelId: input.modelId, method: METHODS[name]! });
  expect(count).toBe(started!.trainableParameters);
  expect(adapterBytes).toBe(4 * count);
});

it('all evaluate from disk to less than the base, on the same tokens', async () => {
  const { data } = (await bench.api.runs.list())[0]!.spec;
  const params = { engine: 'wasm', modelDir: (await bench.api.models.list())[0]!.dir, data, batch: 4 } as const;
  const base = await bench.services.workers.once('evaluate', params, () => undefined);
  for (const name of NAMES) {
    const own = await bench.services.workers.once(
      'evaluate',
      { ...params, adapterDir: adapters.get(name)!.dir },
      () => undefined,
    );
    expect(own.loss, name).toBeLessThan(base.loss);
    expect([own.tokens, own.rows], name).toEqual([base.tokens, base.rows]);
  }
});

describe('in the playground', () => {
  const prompt = { prompt: 'One day, Lily saw a', maxNew: 8, temperature: 0 };

  it('all methods compared are what each answers when it is attached', async () => {
    await bench.api.playground.load({ modelId: input.modelId, engine: 'wasm' });
    const dirs = [null, ...NAMES.map((name) => adapters.get(name)!.dir)];
    const alone: GenerateResult[] = [];
    for (const dir of dirs) {
      await bench.services.playground.attachDir(dir);
      alone.push(await bench.services.playground.generate(prompt, () => undefined).promise);
    }
    const texts = (results: GenerateResult[]): object[] =>
      results.map(({ text, tokens, promptTokens, stopReason }) => ({ text, tokens, promptTokens, stopReason }));
    const compared = await bench.services.playground.compare(prompt, dirs).promise;
    expect(texts(compared)).toEqual(texts(alone));
    expect(new Set(alone.map(({ promptTokens }) => promptTokens)).size).toBe(1);
    expect(new Set(alone.map(({ text }) => text)).size).toBeGreaterThan(2);
    await expect(bench.services.playground.attachDir(path.join(bench.dir, 'home'))).rejects.toMatchObject({
      code: 'PEFT_NOT_FOUND',
    });
    expect((await bench.services.playground.generate(prompt, () => undefined).promise).text).toBe(alone.at(-1)!.text);
  });
});

describe('exports', () => {
  it.each(['dora', 'loha'])('%s merges with a certificate', async (name) => {
    const { id } = await bench.api.exports.start({
      adapterId: adapters.get(name)!.id,
      outDir: path.join(bench.dir, `merged-${name}`),
    });
    expect(await bench.services.exports.finished(id)).toMatchObject({
      status: 'completed',
      result: { certificate: { passed: true } },
    });
  });

  it.each([
    ['houlsby', /a nonlinearity stands between/],
    ['prefix tuning', /stand in the input/],
  ] as const)('%s says why not', async (name, reason) => {
    const { id } = await bench.api.exports.start({
      adapterId: adapters.get(name)!.id,
      outDir: path.join(bench.dir, `no-${name}`),
    });
    expect(await bench.services.exports.finished(id)).toMatchObject({
      status: 'failed',
      error: { code: 'NOT_MERGEABLE', message: expect.stringMatching(reason) as string },
    });
  });
});

it('the top layers, fully tuned, become a model of their own', async () => {
  const run = await trained({ type: 'full', layers: [3] });
  expect(run.error).toBeNull();
  const model = (await bench.api.models.list()).find(({ dir }) => dir === run.result!.outDir);
  expect(model).toMatchObject({ family: 'llama' });
  expect(run.methodText).toEqual({ name: 'Full fine-tuning', details: 'layer 3' });
});

it('what does not fit is refused before a run exists', async () => {
  const before = (await bench.api.runs.list()).length;
  await expect(bench.api.runs.start({ ...input, method: { type: 'bitfit' } })).rejects.toThrow(/has no biases/);
  await expect(
    bench.api.models.trainable({ modelId: input.modelId, method: { type: 'adapter', skipLayers: 4 } }),
  ).rejects.toThrow(/leaves no adapter/);
  expect((await bench.api.runs.list()).length).toBe(before);
  const run = await trained({ type: 'prefix', kind: 'layer', prefixLength: 2, infixLength: 1 }, { lossOn: 'all' });
  expect(run).toMatchObject({ status: 'failed', error: { code: 'INFIX_NEEDS_ANSWERS' } });
});
