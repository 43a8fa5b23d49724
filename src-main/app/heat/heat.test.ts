/** The limit, which sensor counts, and a run that is held and goes on, with a driver that the test plays. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { fakeTrainer } from '../../../test-support/fakes/fakeTrainer.ts';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { heatLimitSchema, isHeld, type Heat } from '../../../src-shared/heat.ts';
import type { CardHeat } from '../../hardware/temperatures.ts';
import { partOf } from './part.ts';
import { HeatService } from './service.ts';

const card = (more: Partial<CardHeat>): CardHeat => ({
  vendor: 'nvidia',
  name: 'NVIDIA L4',
  device: 1,
  temperatureC: 60,
  powerWatts: 50,
  powerLimitWatts: 72,
  ...more,
});

it('holds above one temperature and goes on below another', () => {
  const limit = { pauseAboveC: 80, resumeBelowC: 70 };
  const at = (temperatureC: number | null, held: boolean): boolean => isHeld({ temperatureC, held }, limit);
  expect([at(80, false), at(80.5, false), at(75, true), at(70, true), at(69.9, true)]).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
  expect([at(null, true), isHeld({ temperatureC: 99, held: true }, null)]).toEqual([false, false]);
  expect(heatLimitSchema.safeParse(limit).success).toBe(true);
  expect(heatLimitSchema.safeParse({ pauseAboveC: 70, resumeBelowC: 70 }).success).toBe(false);
  expect(heatLimitSchema.safeParse({ pauseAboveC: 500, resumeBelowC: 70 }).success).toBe(false);
});

it('looks at what the run computes on', () => {
  const told = {
    cards: [
      card({}),
      card({ device: 2, temperatureC: 75 }),
      card({ vendor: 'amd', name: '', device: 3, temperatureC: 90 }),
    ],
    processorC: 55,
  };
  expect(partOf(told, null)).toMatchObject({ part: 'processor', temperatureC: 55 });
  expect(partOf(told, { name: 'AMD Radeon', vendor: 'amd', device: '0x3' })).toMatchObject({ temperatureC: 90 });
  expect(partOf(told, { name: '', vendor: 'nvidia', device: '0x1' })).toMatchObject({
    temperatureC: 60,
    powerWatts: 50,
  });
  expect(partOf(told, { name: 'L4', vendor: 'nvidia' })).toMatchObject({ temperatureC: 75 }); // one of two
  expect(partOf(told, { name: 'Apple M3', vendor: 'apple' })).toMatchObject({ part: 'card', temperatureC: null });
});

let b: TestBench | undefined;
let heat: HeatService | undefined;
afterEach(async () => {
  heat?.close();
  await b?.close();
});

it('holds a run between two steps until the card is cool, and says so in its log', async () => {
  b = openBench({ spawnWorker: fakeTrainer({ lossOf: () => 1 }) });
  const { runs, settings } = b.services;
  settings.save({ heatLimit: { pauseAboveC: 80, resumeBelowC: 70 } });
  let temperatureC = 85;
  heat = new HeatService({
    runs,
    settings,
    adapterOf: () => ({ name: 'L4' }),
    read: () => Promise.resolve({ cards: [card({ temperatureC })], processorC: null }),
    everyMs: 10,
  });
  heat.begin();
  const seen: Heat[] = [];
  const heldOnce = Promise.withResolvers<void>();
  heat.subscribe((now) => {
    seen.push(now);
    if (now.held) heldOnce.resolve();
  });
  const run = await runs.start(await smallRun(b, { steps: 200_000, checkpointEvery: 0 }));
  await heldOnce.promise;
  await sleep(50);
  const steps = b.services.catalog.metrics.after(run.id, 0).length;
  await sleep(100);
  expect(b.services.catalog.metrics.after(run.id, 0)).toHaveLength(steps);
  const goesOn = untilEvent(b, run.id, (event) => event.type === 'step');
  temperatureC = 65;
  await goesOn;
  expect(seen.at(-1)).toMatchObject({ runId: run.id, part: 'card', temperatureC: 65, powerWatts: 50, held: false });
  runs.stop(run.id);
  await runs.finished(run.id);
  expect(heat.latest).toBeNull();
  expect(b.services.catalog.runHistory.messages(run.id)).toEqual(
    expect.arrayContaining([
      'The run is held between two steps: the graphics card is at 85 °C.',
      'The run goes on: the graphics card is at 65 °C.',
    ]),
  );
});
