/** The lab over the API with real workers: answers, what is kept of them, cancelling, and adapters made of others. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeRoom } from '../app/lab/kept.ts';
import { forkWorker } from '../app/workers/channel.ts';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import { loraProducts, readTensors } from '../../test-support/checks/plainLora.ts';
import { openBench, smallRun, type TestBench } from '../../test-support/rigs/services.ts';
import type { ComposeResult } from '../../src-shared/lab.ts';
import { errorDataOf } from './trpc.ts';

let bench: TestBench;
let started = 0;
let ids: string[];
/** As the runs recorded them, each on its own rows. */
const valLosses: number[] = [];

beforeAll(async () => {
  bench = openBench({ spawnWorker: () => (started++, forkWorker()) });
  bench.services.engines.resolve = () => Promise.resolve('wasm'); // measuring all of them is not what this is about
  const input = await smallRun(bench, { steps: 2, val: 0.25 });
  for (const seed of [0, 1]) {
    const run = await bench.api.runs.start({ ...input, train: { ...input.train, seed } });
    valLosses.push((await bench.services.runs.finished(run.id)).result!.valLoss!);
  }
  ids = (await bench.api.adapters.list()).map(({ id }) => id);
});

afterAll(() => bench.close());

type Look = Parameters<TestBench['api']['lab']['look']>[0];

async function answer<T>(look: Look): Promise<T> {
  for await (const event of await bench.api.lab.look(look)) if (event.type === 'done') return event.result as T;
  throw new Error('no answer');
}

interface Spectrum {
  matrices: { name: string; singularValues: number[] }[];
}

it('a spectrum is that of the file, and comes without a worker the second time', async () => {
  const look = { tool: 'spectrum', adapterId: ids[0]! } as const;
  const { matrices } = await answer<Spectrum>(look);
  const { dir } = await bench.api.adapters.get({ id: ids[0]! });
  const wanted = loraProducts(dir);
  expect(matrices.map(({ name }) => name).toSorted()).toEqual([...wanted.keys()].toSorted());
  for (const { name, singularValues } of matrices) {
    expect(singularValues).toHaveLength(4);
    const sum = singularValues.reduce((total, value) => total + value ** 2, 0);
    const squaredNorm = wanted.get(name)!.reduce((total, value) => total + value ** 2, 0);
    expect(sum / squaredNorm).toBeCloseTo(1, 5);
  }
  const before = started;
  expect(await answer<Spectrum>(look)).toEqual({ matrices });
  expect(started).toBe(before);
});

it('two adapters are compared at once, whole grids come by matrix', async () => {
  const pair = { adapterId: ids[0]!, otherId: ids[1]! };
  interface Overview {
    pairs: { name: string; a: number[]; randomB: number[] }[];
  }
  const { pairs } = await answer<Overview>({ tool: 'similarity', ...pair });
  const last = pairs.at(-1)!;
  const grid = await bench.api.lab.grid({ ...pair, name: last.name });
  expect(grid.name).toBe(last.name);
  expect(grid.a.map((row, i) => row[i])).toEqual(last.a);
  expect(grid.randomB.map((row, i) => row[i])).toEqual(last.randomB);
  await expect(bench.api.lab.grid({ ...pair, name: 'lm_head' })).rejects.toThrow(/not kept any more; compare again/);
});

it('a cancelled question ends its worker and is answered when it is asked again', async () => {
  const look = { tool: 'amplification', adapterId: ids[1]!, top: 2 } as const;
  const asked = (async () => {
    for await (const event of await bench.api.lab.look(look)) await bench.api.lab.cancel({ job: event.job });
  })();
  await expect(asked).rejects.toSatisfy((error) => errorDataOf(error).code === 'CANCELLED');
  expect(await answer<{ top: number }>(look)).toMatchObject({ top: 2 });
});

it('an adapter that is made comes into the catalogue, of as many ranks as were asked for', async () => {
  const place = { name: 'small', taskName: 'colours' };
  const { job } = await bench.api.lab.compress({ adapterId: ids[0]!, rule: { rank: 1 }, place, measuresLoss: false });
  let made: string | null = null;
  for await (const event of await bench.api.lab.watch({ job })) {
    if (event.type !== 'done') continue;
    made = event.result.adapterId;
    expect(event.result.result).toMatchObject({ losses: [] });
  }
  const adapter = await bench.api.adapters.get({ id: made! });
  expect(adapter).toMatchObject({ name: 'small', taskName: 'colours', method: { rank: 1 } });
  expect(adapter.importedFrom).toMatch(/^the lab: .*compressed$/);
  const weights = readTensors(path.join(adapter.dir, 'adapter_model.safetensors'));
  expect([...weights].filter(([name]) => name.includes('lora_A')).every(([, { shape }]) => shape[0] === 1)).toBe(true);
});

it('an adapter without intruders stays as it is, in a sentence', async () => {
  const found = { adapterId: ids[0]!, epsilon: 0.0001, top: 2 };
  const { matrices } = await answer<{ matrices: { intruders: unknown[]; looked: number }[] }>({
    tool: 'intruders',
    ...found,
  });
  expect(matrices.every(({ intruders, looked }) => intruders.length === 0 && looked === 2)).toBe(true);
  const job = await bench.api.lab.withoutIntruders({ ...found, place: { name: 'rest', taskName: 'colours' } });
  const watching = (async () => {
    for await (const event of await bench.api.lab.watch(job)) void event;
  })();
  await expect(watching).rejects.toSatisfy((error) => errorDataOf(error).code === 'LAB_NO_INTRUDERS');
});

it('two adapters are blended into a folder that is new, with the losses that their runs ended with', async () => {
  const outDir = path.join(bench.dir, 'blend');
  const adapters = ids.slice(0, 2).map((adapterId) => ({ adapterId, weight: 0.5 }));
  const { job } = await bench.api.lab.compose({ adapters, place: { outDir } });
  for await (const event of await bench.api.lab.watch({ job }))
    if (event.type === 'done') {
      expect(event.result).toMatchObject({ adapterId: null, outDir });
      const { losses } = event.result.result as ComposeResult;
      expect(losses).toHaveLength(2);
      const own = losses.map(({ adapters: measured }, i) => measured[i]!);
      expectClose(own, valLosses, { rtol: 1e-4, atol: 0 });
    }
  expect(fs.existsSync(path.join(outDir, 'adapter_model.safetensors'))).toBe(true);
  const again = await bench.api.lab.compose({ adapters, place: { outDir } });
  const watching = (async () => {
    for await (const event of await bench.api.lab.watch(again)) void event;
  })();
  await expect(watching).rejects.toSatisfy((error) => errorDataOf(error).code === 'FOLDER_EXISTS');
});

it('results go with their adapter, and the oldest where there are too many', async () => {
  const kept = (): string[] => fs.readdirSync(path.join(bench.home, 'lab')).filter((name) => !name.startsWith('.'));
  expect(kept().filter((name) => name.includes(ids[1]!))).toHaveLength(2);
  await bench.api.adapters.remove({ id: ids[1]! });
  expect(kept()).toEqual([`intruders+below-0.0001-top-2+${ids[0]}`, `spectrum+${ids[0]}`]);
  expect((await bench.api.system.storage()).uses.find(({ kind }) => kind === 'lab')!.sizeBytes).toBeGreaterThan(500);
  await makeRoom(bench.services.home, 0);
  expect(kept()).toEqual([]);
});
