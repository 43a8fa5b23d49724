/**
 * What every spec starts from: a fresh data folder, Graft on the host of the project (`web` or `electron`), and the
 * few moves that all journeys share. The page must never speak to another machine, nor log an error of its own.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test as base, type Locator, type Page } from '@playwright/test';
import type { GraftBridge } from '../src-main/hosts/electron/bridge.ts';
import { SESSION_HEADER, SESSION_NAME } from '../src-shared/session.ts';
import { rememberEngines } from './engines.ts';
import { REPO, startElectron, startWeb, type HostEnv, type RunningApp } from './host.ts';

interface Fixtures {
  /** GRAFT_HOME of this test. */
  home: string;
  hostEnv: HostEnv;
  app: RunningApp;
  graft: Page;
}

const ACTION_LIMIT_MS = 15_000;
const OWN = /^(http:\/\/127\.0\.0\.1:\d+\/|graft:|app:|data:|blob:|devtools:)/;

export const test = base.extend<Fixtures>({
  home: async ({}, use) => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-e2e-'));
    await use(home);
    fs.rmSync(home, { recursive: true, force: true });
  },
  hostEnv: {},
  app: async ({ browser, home, hostEnv }, use, testInfo) => {
    const app = await (testInfo.project.name === 'electron'
      ? startElectron(home, hostEnv)
      : startWeb(browser, home, hostEnv));
    // An action that cannot be done fails soon, with its own message, not with the whole test.
    app.page.setDefaultTimeout(ACTION_LIMIT_MS);
    const keepEngines = rememberEngines(home);
    const strangers: string[] = [];
    const errors: string[] = [];
    app.page.on('request', (request) => OWN.test(request.url()) || strangers.push(request.url()));
    app.page.on('pageerror', (error) => errors.push(error.message));
    await use(app);
    keepEngines();
    await app.close();
    expect(strangers, 'requests that left the machine').toEqual([]);
    expect(errors, 'errors thrown in the page').toEqual([]);
  },
  graft: async ({ app }, use) => {
    await expect(app.page.getByRole('heading', { name: 'Home', level: 1 })).toBeVisible();
    await use(app.page);
  },
});

export { expect };

/** Opens a page through the navigation on the left. */
export async function goTo(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();
}

export async function addStarterModel(page: Page): Promise<void> {
  await goTo(page, 'Models');
  await page.getByRole('button', { name: 'Add the starter model' }).click();
  await expect(page.getByRole('region', { name: /^Details of/ })).toContainText('Target modules');
}

/** Adds the sample dataset of a task (`describe`, `extract`) and stays on its page. */
export async function addSample(page: Page, task: string): Promise<void> {
  await goTo(page, 'Datasets');
  await page.getByRole('button', { name: `Sample: ${task}` }).click();
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await expect(page.getByRole('link', { name: 'Train with it' })).toBeVisible();
}

/** A step of the new run: `Model`, `Data`, `Method & targets`, `Schedule` or `Review`. */
export async function openStep(page: Page, name: string): Promise<void> {
  const step = page.getByRole('navigation', { name: 'Steps of the new run' }).getByRole('button', { name });
  await step.click();
  await expect(step).toHaveAttribute('aria-current', 'step');
}

/** Fields that are not in the step Schedule. */
const STEP_OF: Record<string, string> = {
  Rank: 'Method & targets',
  Alpha: 'Method & targets',
  Bottleneck: 'Method & targets',
  'Maximum length': 'Data',
};

/** Short names of labels. */
const LABELS: Record<string, string> = { Batch: 'Batch size', 'Validate every': 'Evaluate every' };

/** Fills numbers into the new run, each by its label in its step, and starts; ends on the run's page. */
export async function startRun(page: Page, numbers: Record<string, number>): Promise<void> {
  const steps = Map.groupBy(Object.entries(numbers), ([label]) => STEP_OF[label] ?? 'Schedule');
  for (const [step, fields] of steps) {
    await openStep(page, step);
    if (step === 'Schedule')
      await openAllFields(
        page,
        fields.some(([label]) => label === 'Steps'),
      );
    for (const [label, value] of fields)
      await page.getByLabel(LABELS[label] ?? label, { exact: true }).fill(String(value));
  }
  await openStep(page, 'Review');
  await page.getByRole('button', { name: /^(Start training|Add to the queue)$/ }).click();
  await expect(page).toHaveURL(/#\/runs\/run-/);
}

async function openAllFields(page: Page, inSteps: boolean): Promise<void> {
  if (inSteps) await page.getByRole('radio', { name: 'Steps', exact: true }).click();
  for (const name of ['Validation and stopping', 'Regularisation', 'Memory and speed']) {
    const group = page.locator('details', { has: page.getByText(name, { exact: true }) });
    if ((await group.getAttribute('open')) === null) await group.getByText(name, { exact: true }).click();
  }
}

/** The figure that holds the loss graph; `data-points` is the number of train losses that uPlot draws. */
export function lossFigure(page: Page): Locator {
  return page.locator('figure[data-points]');
}

export async function pointCount(page: Page): Promise<number> {
  return Number(await lossFigure(page).getAttribute('data-points'));
}

/**
 * With GRAFT_PICTURES=1, kept beside the other artefacts of the tests. The page scrolls inside its frame, so the window
 * grows to show all of it.
 */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  if (process.env['GRAFT_PICTURES'] !== '1') return;
  const host = test.info().project.name;
  const file = path.join(REPO, 'e2e', 'artifacts', 'pages', `${host}-${name}.png`);
  const window = page.viewportSize();
  const content = await page.locator('main > *').boundingBox();
  if (window && content && content.height > window.height)
    await page.setViewportSize({ width: window.width, height: Math.ceil(content.height) });
  await page.screenshot({ path: file });
  if (window) await page.setViewportSize(window);
}

/** Asks the API from inside the page, with the page's own rights, on either host. */
export function ask<T>(page: Page, procedure: string, input: unknown = {}): Promise<T> {
  return call<T>(page, 'query', procedure, input);
}

/** Like `ask`, for what changes something. */
export function change<T>(page: Page, procedure: string, input: unknown = {}): Promise<T> {
  return call<T>(page, 'mutation', procedure, input);
}

function call<T>(page: Page, type: 'query' | 'mutation', procedure: string, input: unknown): Promise<T> {
  return page.evaluate(
    async ([type, path, data, header, stored]) => {
      const { graft } = globalThis as typeof globalThis & { graft?: GraftBridge };
      if (graft) {
        const reply = await graft.call({ type, path, input: data });
        if (!reply.ok) throw new Error(JSON.stringify(reply.error));
        return reply.data as T;
      }
      const json = JSON.stringify(data);
      const headers = { [header]: localStorage.getItem(stored) ?? '', 'content-type': 'application/json' };
      const answer = await (type === 'query'
        ? fetch(`/api/trpc/${path}?input=${encodeURIComponent(json)}`, { headers })
        : fetch(`/api/trpc/${path}`, { method: 'POST', body: json, headers }));
      const body = (await answer.json()) as { result: { data: T } };
      if (!answer.ok) throw new Error(JSON.stringify(body));
      return body.result.data;
    },
    [type, procedure, input, SESSION_HEADER, SESSION_NAME] as const,
  );
}
