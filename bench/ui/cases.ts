/** What is measured of the page: its first paint, a stream of metrics, a long table, an hour's memory. */
import fs from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from '../lib/places.ts';
import { framesSeen, gapsSeen, summary, watchFrames, type Frames, type Gaps } from './frames.ts';
import { callApi, heapBytes, openSession, residentBytes, type Session } from './session.ts';

const STARTER = path.join(REPOSITORY, 'resources', 'starter');

export interface PaintFigures {
  hostStartMs: number[];
  firstPaintMs: number[];
  /** Until the board of Home stands. */
  usefulMs: number[];
}

export async function paint(times: number): Promise<PaintFigures> {
  const figures: PaintFigures = { hostStartMs: [], firstPaintMs: [], usefulMs: [] };
  for (let i = 0; i < times; i++) {
    const session = await openSession(1);
    await session.page.goto(session.url);
    await session.page
      .getByRole('main')
      .getByRole('button')
      .or(session.page.getByRole('main').getByRole('link'))
      .first()
      .waitFor();
    const { first, useful } = await session.page.evaluate(() => ({
      first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN,
      useful: performance.now(),
    }));
    figures.hostStartMs.push(session.hostStartMs);
    figures.firstPaintMs.push(first);
    figures.usefulMs.push(useful);
    await session.close();
  }
  return figures;
}

/** What the browser and the machine miss by themselves: an empty page while a run reports to the host. */
export async function empty(stepsPerSecond: number, ms: number): Promise<Frames> {
  const session = await openSession(stepsPerSecond);
  try {
    const { page } = session;
    await page.goto(session.url);
    await startSimulated(session, { steps: 1_000_000, evalEvery: 500, samplePrompts: [] });
    await page.goto('about:blank');
    await watchFrames(page);
    await page.waitForTimeout(ms);
    return await framesSeen(page);
  } finally {
    await session.close();
  }
}

export interface StreamFigures {
  points: number;
  frames: Frames;
  /** From a reload until all points are in the graph again. */
  reloadMs: number;
  reloadFrames: Frames;
}

/** Points as fast as `stepsPerSecond` while the page draws them, then a reload. */
export async function stream(points: number, stepsPerSecond: number): Promise<StreamFigures> {
  const session = await openSession(stepsPerSecond);
  try {
    const { page } = session;
    await page.goto(session.url);
    await startSimulated(session, { steps: points, evalEvery: 500, samplePrompts: [] });
    await watchFrames(page);
    await pointsDrawn(session, points);
    const frames = await framesSeen(page);
    const began = performance.now();
    await page.reload();
    await page.locator('figure[data-points]').waitFor();
    await watchFrames(page);
    await pointsDrawn(session, points);
    const reloadMs = performance.now() - began;
    await page.waitForTimeout(1000);
    return { points, frames, reloadMs, reloadFrames: await framesSeen(page) };
  } finally {
    await session.close();
  }
}

/** A run of `steps`, opened; its page shows its graph. */
async function startSimulated(
  { page }: Session,
  train: { steps: number; evalEvery: number; samplePrompts: string[] },
): Promise<void> {
  const model = await callApi<{ id: string }>(page, 'mutation', 'models.add', { dir: path.join(STARTER, 'model') });
  const dataset = await callApi<{ id: string }>(page, 'mutation', 'datasets.add', {
    file: path.join(STARTER, 'data', 'describe.jsonl'),
  });
  const run = await callApi<{ id: string }>(page, 'mutation', 'runs.start', {
    modelId: model.id,
    datasetId: dataset.id,
    taskName: 'simulated',
    method: { type: 'lora', rank: 4, alpha: 8 },
    train,
  });
  await page.evaluate((id) => (location.hash = `#/runs/${id}`), run.id);
  await page.locator('figure[data-points]').waitFor();
}

async function pointsDrawn({ page }: Session, points: number): Promise<void> {
  const limitMs = 600_000;
  await page.waitForFunction(
    (want) => Number(document.querySelector('figure[data-points]')?.getAttribute('data-points')) >= want,
    points,
    { timeout: limitMs, polling: 250 },
  );
}

export interface RowsFigures {
  rows: number;
  /** From opening the tab until the first rows stand. */
  openMs: number;
  wheel: Frames;
  /** Jumps to random places. */
  jumps: Frames;
}

const ROW_HEIGHT_GUESS_PX = 40;

export async function rows(count: number): Promise<RowsFigures> {
  const session = await openSession(1);
  try {
    const { page } = session;
    const file = path.join(session.home, 'many.jsonl');
    const line = (n: number): string =>
      JSON.stringify({
        prompt: `Describe number ${n} in a sentence that is about as long as rows often are.`,
        completion: ` ${n} is the ${n % 7 === 0 ? 'round' : 'plain'} one.`,
      });
    fs.writeFileSync(file, Array.from({ length: count }, (_, n) => line(n)).join('\n'));
    await page.goto(session.url);
    const dataset = await callApi<{ id: string }>(page, 'mutation', 'datasets.add', { file });
    await page.evaluate((id) => (location.hash = `#/datasets/${id}`), dataset.id);
    const tab = page.getByRole('tab', { name: /^Rows/ });
    await tab.waitFor();
    const began = performance.now();
    await tab.click();
    const scroller = page.getByTestId('rows-scroller');
    await scroller.getByText('Describe number 0 in').waitFor({ timeout: 120_000 });
    const openMs = performance.now() - began;
    await scroller.hover();
    await watchFrames(page);
    for (let i = 0; i < 200; i++) {
      await page.mouse.wheel(0, 400);
      await page.waitForTimeout(30);
    }
    const wheel = await framesSeen(page);
    await watchFrames(page);
    for (let i = 1; i <= 20; i++) {
      await scroller.evaluate((element, top) => (element.scrollTop = top), ((i * 7919) % count) * ROW_HEIGHT_GUESS_PX);
      await page.waitForTimeout(250);
    }
    const jumps = await framesSeen(page);
    await scroller.evaluate((element) => (element.scrollTop = element.scrollHeight));
    await scroller.getByText(`Describe number ${count - 1} in`).waitFor();
    return { rows: count, openMs, wheel, jumps };
  } finally {
    await session.close();
  }
}

export interface MemoryFigures {
  steps: number;
  samples: { step: number; heapBytes: number; hostBytes: number | null }[];
  frames: Frames;
}

/**
 * An hour at 20 steps a second, an evaluation with two sample texts every 100 steps, told faster than it would happen.
 */
export async function hour(speedUp: number): Promise<MemoryFigures> {
  const stepsPerSecond = 20;
  const steps = 3600 * stepsPerSecond;
  const session = await openSession(stepsPerSecond * speedUp);
  try {
    const { page } = session;
    await page.goto(session.url);
    await startSimulated(session, { steps, evalEvery: 100, samplePrompts: ['One day', 'The cat'] });
    const samples: MemoryFigures['samples'] = [];
    const parts: Gaps[] = [];
    for (let part = 0; part <= 6; part++) {
      const step = Math.round((steps * part) / 6);
      await watchFrames(page);
      await pointsDrawn(session, step);
      // The collection that counting needs stops the page, so no frame is watched meanwhile.
      parts.push(await gapsSeen(page));
      samples.push({ step, heapBytes: await heapBytes(page), hostBytes: residentBytes(session.hostPid) });
    }
    return {
      steps,
      samples,
      frames: summary(
        parts.flatMap(({ gaps }) => gaps),
        parts.flatMap(({ tasks }) => tasks),
      ),
    };
  } finally {
    await session.close();
  }
}
