/** Runs on files that are too large for memory: the same losses as in memory, and nothing half-written is ever used. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { startInWorker, tinyRun, type WatchedRun } from '../../../test-support/rigs/tinyRun.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';
import { CallControl } from '../control.ts';
import { train } from './train.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';

let tokens: string;

beforeEach(() => {
  const cache = temporaryFolder();
  tokens = path.join(cache, 'tokens');
  vi.stubEnv('GRAFT_CACHE', cache);
});

const ROWS = Array.from({ length: 60 }, (_, i) =>
  JSON.stringify({ prompt: `count ${i % 40}: `, completion: 'abcdefgh'.slice(i % 5).repeat(1 + (i % 9)) }),
);
/** Lines without a row, by which a file is large. */
const BLANK = `${' '.repeat(1023)}\n`.repeat(5 * 1024);
const TRAIN = { steps: 8, evalEvery: 4, val: 0.2 };

async function losses(spec: RunSpec): Promise<{ run: WatchedRun; all: unknown[] }> {
  const run = startInWorker(spec);
  await run.call.promise;
  const all = run.events.flatMap((event) =>
    event.type === 'step' ? [event.loss, event.gradNorm] : event.type === 'eval' ? [event.valLoss] : [],
  );
  return { run, all };
}

const kept = (): string[] => (fs.existsSync(tokens) ? fs.readdirSync(tokens) : []).filter((name) => name !== 'known');

it.each([
  ['plain batches', {}],
  ['packing and buckets', { packing: true, bucketing: true, batch: 3 }],
])('losses are those of rows in memory, bit for bit: %s', async (_, more) => {
  const small = await tinyRun({ rows: ROWS, train: { ...TRAIN, ...more } });
  const inMemory = await losses(small);
  expect(kept()).toEqual([]);
  const large = await tinyRun({ rows: [...ROWS, BLANK], train: { ...TRAIN, ...more } });
  const first = await losses(large);
  expect(first.all).toEqual(inMemory.all);
  expect(first.all.length).toBeGreaterThan(16);
  expect(first.run.events.some((event) => event.type === 'loading' && event.work === 'tokenise')).toBe(true);
  const again = await losses({ ...large, outDir: `${large.outDir}-2` });
  expect(again.all).toEqual(inMemory.all);
  expect(again.run.events.some((event) => event.type === 'loading' && event.work === 'tokenise')).toBe(false);
  expect(kept()).toHaveLength(1);
});

/** So large that a run does not wait until all rows are tokenised. */
const LARGE_BLANK = BLANK.repeat(7);

it.each<[string, { method?: object; train?: object; data?: object }]>([
  ['lora', { method: { type: 'lora', dropout: 0.1 }, train: { samplePrompts: ['count 3'], sampleTokens: 3 } }],
  ['a start that is looked for in the data', { method: { type: 'lora', init: 'lora-ga', rank: 2 } }],
  ['virtual tokens', { method: { type: 'prefix', kind: 'embedding', prefixLength: 2, infixLength: 1 } }],
  ['accumulation, left-out lines', { train: { accumulate: 2, epochs: 2 }, data: { excludeLines: [3, 7] } }],
])('begun before all rows are tokenised, paused and gone on with, a run is the same: %s', async (_, more) => {
  const options = { ...more, train: { ...TRAIN, ...more.train } };
  const small = await tinyRun({ ...options, rows: ROWS });
  const wanted = await trained(small);
  const large = await tinyRun({ ...options, rows: [...ROWS, LARGE_BLANK] });
  const half = await trained(large, { pauseAt: 3 });
  expect(half.result.outcome).toBe('paused');
  expect(half.logs).toContainEqual(expect.stringContaining('does not wait for all rows'));
  expect(half.events.some((event) => event.type === 'loading' && event.work === 'look')).toBe(true);
  const rest = await trained(large, { resume: true });
  expect([...half.losses, ...rest.losses]).toEqual(wanted.losses);
  expect(weightsOf(large)).toEqual(weightsOf(small));
});

interface Trained {
  result: TrainResult;
  events: TrainEvent[];
  losses: unknown[];
  logs: string[];
}

async function trained(spec: RunSpec, { resume = false, pauseAt = 0 } = {}): Promise<Trained> {
  const control = new CallControl();
  const events: TrainEvent[] = [];
  const result = await train(
    spec,
    resume,
    (event) => {
      events.push(event);
      if (event.type === 'step' && event.step === pauseAt) control.ask('pause');
    },
    control,
  );
  return {
    result,
    events,
    losses: events.flatMap((event) =>
      event.type === 'step' ? [event.loss, event.gradNorm] : event.type === 'eval' ? [event.valLoss] : [],
    ),
    logs: events.flatMap((event) => (event.type === 'log' ? [event.message] : [])),
  };
}

function weightsOf({ outDir }: RunSpec): Buffer {
  return fs.readFileSync(path.join(outDir, 'adapter_model.safetensors'));
}

it.each([120_000, 2_000_000])('a row of %i tokens is cut to the maximum length, by name', async (length) => {
  const long = JSON.stringify({ prompt: 'go on: ', completion: 'abcdefgh'.repeat(length / 8) });
  const text = JSON.stringify({ prompt: 'x'.repeat(40), completion: 'y'.repeat(length) });
  const spec = await tinyRun({ rows: [...ROWS, long, text, BLANK], train: { ...TRAIN, val: 0 } });
  const { run, all } = await losses(spec);
  expect(all.every(Number.isFinite)).toBe(true);
  const logs = run.events.flatMap((event) => (event.type === 'log' ? [event.message] : []));
  expect(logs.find((message) => message.startsWith('Cut at 64 tokens: '))).toMatch(/rows\.$/);
});

it('a worker that is killed while it tokenises leaves nothing that is used; the next one sweeps up', async () => {
  const rows = Array.from({ length: 9000 }, (_, i) =>
    JSON.stringify({ prompt: `${i}: `, completion: `abc ${i} `.repeat(60) }),
  );
  const spec = await tinyRun({ rows, train: { ...TRAIN, steps: 1, evalEvery: 0 } });
  const killed = startInWorker(spec, false, (event, { client }) => {
    if (event.type === 'loading' && event.work === 'tokenise') process.kill(client.pid!, 'SIGKILL');
  });
  await expect(killed.call.promise).rejects.toThrow();
  expect(kept()).toEqual([expect.stringMatching(/\.partial$/)]);
  const { run } = await losses(spec);
  expect(run.losses.size).toBe(1);
  expect(kept()).toEqual([expect.stringMatching(/^[0-9a-f]{64}-[0-9a-f]{16}\.tokens$/)]);
});
