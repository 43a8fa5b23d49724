/**
 * The pictures of docs/screens: a small journey on a fresh data folder, every page empty and full, in both themes.
 * Run by `npm run screens`; `npm run screens -- NAME…` takes only the pictures whose name begins so. To look at the
 * layout, `--widths=900,1280,1920,2560 --themes=light --out=FOLDER` takes each at every width, in folders of theirs;
 * `--language=de` takes them in another language, so nothing here is found by its words.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { systemChromium } from '../scripts/lib/testNeeds.mjs';
import { ask, change } from './fixtures.ts';
import { REPO, startWeb } from './host.ts';

const THEMES = ['light', 'dark'] as const;
/** Windows of common screens, in CSS pixels. */
const HEIGHTS: Record<number, number> = { 900: 700, 1280: 860, 1920: 1080, 2560: 1440 };
const PLAIN_HEIGHT = 860;
const STARTER = path.join(REPO, 'resources', 'starter');
const SETTLED_MS = 900;
const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    widths: { type: 'string', default: '1280' },
    themes: { type: 'string', default: THEMES.join(',') },
    out: { type: 'string', default: path.join(REPO, 'docs', 'screens') },
    language: { type: 'string', default: 'en' },
  },
});
const widths = options.widths.split(',').map(Number);
const themes = THEMES.filter((theme) => options.themes.split(',').includes(theme));

/** One picture per width and theme; the page scrolls inside its frame, so the window is what a user sees. */
async function picture(page: Page, name: string): Promise<void> {
  if (wanted.length > 0 && !wanted.some((start) => name.startsWith(start))) return;
  for (const width of widths) {
    await page.setViewportSize({ width, height: HEIGHTS[width] ?? PLAIN_HEIGHT });
    const folder = widths.length > 1 ? path.join(options.out, String(width)) : options.out;
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      await page.waitForTimeout(SETTLED_MS);
      const file = path.join(folder, theme, `${name}.png`);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      await page.screenshot({ path: file });
    }
  }
  process.stderr.write(`${name}\n`);
}

async function open(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => (location.hash = to), hash);
  await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
  await page.waitForTimeout(SETTLED_MS);
}

interface Id {
  id: string;
}

/** From a copy of the starter, so that no picture shows where this repository lies. */
async function addParts(page: Page, work: string): Promise<{ model: Id; describe: Id; extract: Id }> {
  const dir = path.join(work, 'stories260K');
  fs.cpSync(path.join(STARTER, 'model'), dir, { recursive: true });
  fs.cpSync(path.join(STARTER, 'data'), path.join(work, 'data'), { recursive: true });
  const model = await change<Id>(page, 'models.add', { dir });
  const add = (task: string): Promise<Id> =>
    change<Id>(page, 'datasets.add', { file: path.join(work, 'data', `${task}.jsonl`), name: task });
  return { model, describe: await add('describe'), extract: await add('extract') };
}

async function trained(page: Page, input: object): Promise<Id> {
  const run = await change<Id>(page, 'runs.start', input);
  for (;;) {
    const { status } = await ask<{ status: string }>(page, 'runs.get', { id: run.id });
    if (status !== 'queued' && status !== 'running') return run;
    await page.waitForTimeout(500);
  }
}

async function main(): Promise<void> {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-'));
  const home = path.join(work, 'home');
  fs.mkdirSync(home);
  const browser = await chromium.launch({
    executablePath: systemChromium(),
    args: ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
  const app = await startWeb(browser, home);
  try {
    await journey(app.page, home);
  } finally {
    await app.close();
    await browser.close();
    fs.rmSync(work, { recursive: true, force: true });
  }
}

const EMPTY = ['home', 'models', 'datasets', 'new-run', 'runs', 'adapters', 'playground', 'export', 'serve'];

async function journey(page: Page, home: string): Promise<void> {
  await change(page, 'system.saveSettings', { language: options.language });
  await page.reload();
  for (const name of EMPTY) {
    await open(page, `#/${name}`);
    await picture(page, `empty-${name}`);
  }
  const { model, describe, extract } = await addParts(page, path.dirname(home));
  const shared = { modelId: model.id, method: { type: 'lora', rank: 8, alpha: 16, targets: ['q', 'v'] } };
  const train = {
    steps: 120,
    batch: 4,
    lr: 5e-3,
    warmup: 0,
    evalEvery: 30,
    samplePrompts: ['name: Clever Oak | kind: bistro | food: Chinese | area: city centre | price: expensive'],
  };
  const first = await trained(page, { ...shared, datasetId: describe.id, taskName: 'describe', train });
  await trained(page, {
    ...shared,
    datasetId: describe.id,
    taskName: 'describe',
    name: 'describe, wider',
    method: { ...shared.method, rank: 16 },
    train: { ...train, seed: 1 },
  });
  await trained(page, {
    ...shared,
    datasetId: extract.id,
    taskName: 'extract',
    train: { ...train, samplePrompts: [] },
  });
  await pages(page, model, describe, first);
  await wizard(page, describe);
  const adapters = await ask<Id[]>(page, 'adapters.list');
  await open(
    page,
    `#/adapters?compare=${adapters
      .slice(0, 2)
      .map(({ id }) => id)
      .join(',')}`,
  );
  await picture(page, 'adapters-compare');
  await results(page, model, adapters[0]!, home);
  await liveRun(page, {
    ...shared,
    datasetId: describe.id,
    taskName: 'describe',
    name: 'a longer run',
    train: { ...train, steps: 3000, seed: 2 },
  });
}

async function pages(page: Page, model: Id, dataset: Id, run: Id): Promise<void> {
  const [adapter] = await ask<Id[]>(page, 'adapters.list');
  const hashes = {
    home: '#/home',
    models: '#/models',
    'models-details': `#/models/${model.id}`,
    datasets: '#/datasets',
    'datasets-details': `#/datasets/${dataset.id}`,
    'new-run': '#/new-run',
    'run-done': `#/runs/${run.id}`,
    runs: '#/runs',
    adapters: '#/adapters',
    'adapters-details': `#/adapters/${adapter!.id}`,
    playground: '#/playground',
    evaluate: '#/evaluate',
    lab: '#/lab',
    export: `#/export?adapter=${adapter!.id}`,
    settings: '#/settings',
  };
  for (const [name, hash] of Object.entries(hashes)) {
    await open(page, hash);
    if (name === 'settings') await page.waitForTimeout(8000); // every engine is asked
    await picture(page, name);
  }
}

async function wizard(page: Page, dataset: Id): Promise<void> {
  await open(page, `#/new-run?dataset=${dataset.id}`);
  for (const [at, name] of ['model', 'data', 'method', 'schedule', 'review'].entries()) {
    if (at === 0) continue;
    await page.getByRole('main').getByRole('navigation').getByRole('button').nth(at).click();
    await page.waitForTimeout(2500); // the plan beside it
    await picture(page, `new-run-${name}`);
  }
}

/** Three answers to one prompt, side by side, and a finished export. */
async function results(page: Page, model: Id, adapter: Id, home: string): Promise<void> {
  await change(page, 'playground.load', { modelId: model.id });
  await open(page, '#/playground');
  await page
    .getByRole('main')
    .locator('textarea')
    .first()
    .fill('name: Clever Oak | kind: bistro | food: Chinese | area: city centre | price: expensive');
  await page.getByRole('main').locator('button[type=submit]').first().click();
  await page.waitForTimeout(6000);
  await picture(page, 'playground-answer');
  const { id } = await change<Id>(page, 'exports.start', {
    adapterId: adapter.id,
    format: 'gguf',
    quantise: ['F16', 'Q8_0', 'Q4_K_M'],
    outDir: path.join(home, 'exports', 'describe'),
  });
  while (
    (await ask<{ id: string; status: string }[]>(page, 'exports.list')).some(
      (one) => one.id === id && one.status === 'running',
    )
  )
    await page.waitForTimeout(500);
  await open(page, '#/export');
  await page.getByRole('main').getByRole('article').first().scrollIntoViewIfNeeded();
  await picture(page, 'export-done');
  const tasks = await ask<{ id: string; adapters: number }[]>(page, 'tasks.list');
  const adapters = await ask<{ id: string; taskId: string }[]>(page, 'adapters.list');
  for (const { id: taskId } of tasks) {
    const adapterId = adapters.find((adapter) => adapter.taskId === taskId)?.id;
    if (adapterId) await change(page, 'tasks.switch', { taskId, adapterId });
  }
  await change(page, 'serving.start', { modelId: model.id, apiKey: null, port: 0 });
  await open(page, '#/serve');
  await picture(page, 'serve');
}

async function liveRun(page: Page, input: object): Promise<void> {
  const run = await change<Id>(page, 'runs.start', input);
  await open(page, `#/runs/${run.id}`);
  await page.waitForFunction(
    () => Number(document.querySelector('figure[data-points]')?.getAttribute('data-points')) >= 150,
    undefined,
    { timeout: 120_000 },
  );
  await picture(page, 'run-live');
  await open(page, '#/home');
  await picture(page, 'home-running');
  await change(page, 'runs.stop', { id: run.id });
}

await main();
