/**
 * `start`: `npm start -- --host=web` on an existing install with an empty data folder, until the page and all its
 * assets have been answered, and until Chromium has painted the first text. Nobody else is raced.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { GraftError } from '../../src-shared/errors.ts';
import { systemChromium } from '../../scripts/lib/testNeeds.mjs';
import { GRAFT, type Context } from '../lib/context.ts';
import { benchFolder } from '../lib/models.ts';
import type { Sample } from '../lib/otherLoad.ts';
import { REPOSITORY } from '../lib/places.ts';
import { makeRow, type CaseResult } from '../lib/result.ts';

const WORK = { amount: 1, unit: 'starts/s' };

export async function start(context: Context): Promise<CaseResult> {
  const rounds = context.quick ? 3 : 10;
  const [answered, painted]: [Sample[], Sample[]] = [[], []];
  await withServer(untilAnswered); // builds what is not built
  const browser = systemChromium();
  for (let round = 0; round < rounds; round++) {
    answered.push(await context.turns.take([], () => withServer(untilAnswered)));
    if (browser) painted.push({ ms: await withBrowser(browser), otherShare: null });
  }
  const rows = [makeRow('page and assets answered', GRAFT, answered, WORK, null)];
  if (browser) rows.push(makeRow('first text painted', GRAFT, painted, WORK, null));
  const notes = browser
    ? ['Chromium was running before the start; what else ran meanwhile cannot be told apart from its processes.']
    : ['No Chromium here, so nothing was painted.'];
  return {
    name: 'start',
    what: 'From `npm start -- --host=web` with an empty data folder to the first page.',
    rows,
    notes,
  };
}

type Until = (url: string, startedAtMs: number) => Promise<number>;

/** Starts the app as the user does, measures, and ends it. `startedAtMs`: of the clock that `Date.now` reads. */
async function withServer(until: Until): Promise<number> {
  const home = fs.mkdtempSync(path.join(benchFolder(), 'start-'));
  const startedAtMs = performance.timeOrigin + performance.now();
  const args = [path.join(REPOSITORY, 'scripts', 'start.mjs'), '--host=web', '--port=0', '--no-open'];
  const child = spawn(process.execPath, args, {
    cwd: REPOSITORY,
    env: { ...process.env, GRAFT_HOME: home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'close');
  try {
    return await until(await addressOf(child), startedAtMs);
  } finally {
    child.kill('SIGTERM');
    await ended;
    fs.rmSync(home, { recursive: true, force: true });
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /http:\/\/127\.0\.0\.1:\d+\/\S*/.exec(line)?.[0];
    if (url) return url;
  }
  throw new GraftError('NOT_STARTED', 'Graft ended before it gave its address; run npm start to see why.');
}

/** The address sets a cookie and leads to the page, as in a browser. */
async function untilAnswered(url: string, startedAtMs: number): Promise<number> {
  const login = await fetch(url, { redirect: 'manual' });
  const headers = {
    cookie: login.headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0]!)
      .join('; '),
  };
  const page = await textOf(new URL('/', url), headers);
  const assets = assetsOf(page).map((asset) => textOf(new URL(asset, url), headers));
  await Promise.all(assets);
  return performance.timeOrigin + performance.now() - startedAtMs;
}

/** Scripts and styles of the page's head. */
export function assetsOf(page: string): string[] {
  return [...page.matchAll(/<(?:script|link)\b[^>]*?(?:src|href)="(?!data:)([^"]+)"/g)].map((match) => match[1]!);
}

async function textOf(url: URL, headers: Record<string, string>): Promise<string> {
  const answer = await fetch(url, { headers });
  if (answer.status !== 200)
    throw new GraftError(
      'PAGE_NOT_ANSWERED',
      `${url.pathname} was answered with ${answer.status}; run npm run build and measure again.`,
    );
  return answer.text();
}

async function withBrowser(executablePath: string): Promise<number> {
  const { chromium } = await import('@playwright/test');
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  try {
    const page = await browser.newPage();
    return await withServer(async (url, startedAtMs) => {
      await page.goto(url);
      const paintedAtMs = await page.evaluate<number>(FIRST_PAINT);
      return paintedAtMs - startedAtMs;
    });
  } finally {
    await browser.close();
  }
}

/** Runs in the page: when the first text or image was painted, by the machine's clock. */
const FIRST_PAINT = `new Promise((resolve) => {
  new PerformanceObserver((list) => {
    const entry = list.getEntriesByName('first-contentful-paint')[0];
    if (entry) resolve(performance.timeOrigin + entry.startTime);
  }).observe({ type: 'paint', buffered: true });
})`;
