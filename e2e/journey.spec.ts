/**
 * From the start page to a trained, switched and exported adapter and the line that runs it in Ollama: by mouse in at
 * most 12 clicks, and by keyboard alone.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { ask, expect, test } from './fixtures.ts';
import { REPO } from './host.ts';

const MOST_CLICKS = 12;
const MOST_TABS = 80;
const RUN_LIMIT_MS = 120_000;

/** Does one step of the journey on an element: a click, or the way to it by Tab and then Enter. */
type Use = (target: Locator) => Promise<void>;

async function journey(page: Page, home: string, use: Use): Promise<void> {
  await shortenSample(page, home);
  await use(page.getByRole('button', { name: 'Try it with the sample' }));
  await expect(page).toHaveURL(/#\/runs\/run-/);
  await expect(page.getByText('Training is complete')).toBeVisible({ timeout: RUN_LIMIT_MS });
  const [run] = await ask<{ spec: { train: { samplePrompts: string[] } } }[]>(page, 'runs.list');
  await expect(page.getByRole('region', { name: 'Samples', exact: true })).toContainText(
    run!.spec.train.samplePrompts[0]!.slice(0, 20),
  );

  await use(page.getByRole('main').getByRole('link', { name: 'Try it' }));
  await expect(page).toHaveURL(/#\/playground/);
  const tasks = page.getByRole('group', { name: 'Answers with' });
  await use(tasks.getByRole('button', { name: /Plain base/ }));
  await expect(page.getByRole('status', { name: 'Last switch' })).toContainText(/ in [\d.]+ ms\./, { timeout: 60_000 });
  await use(tasks.getByRole('button', { name: /describe/ }));
  await expect(tasks.getByRole('button', { name: /describe/ })).toHaveAttribute('aria-pressed', 'true');

  await use(page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Export' }));
  await use(page.getByRole('button', { name: 'Merge and export' }));
  await expect(
    page.getByRole('region', { name: 'Parity certificate' }).getByText('passed', { exact: true }),
  ).toBeVisible({ timeout: 90_000 });
  const [exported] = await ask<{ outDir: string }[]>(page, 'exports.list');
  expect(exported!.outDir).toBe(path.join(home, 'exports', 'describe'));
  expect(fs.readdirSync(exported!.outDir).sort()).toEqual(
    ['Modelfile', 'README.md', 'describe-Q8_0.gguf', 'parity.json'].sort(),
  );
  const line = page.getByRole('region', { name: 'Run it in Ollama' });
  await expect(line).toContainText('Run it in Ollama: copy this line');
  await expect(line).toContainText(`ollama create describe -f ${exported!.outDir}/Modelfile && ollama run describe`);
  await use(line.getByRole('button', { name: 'Copy the line for Ollama' }));
  await expect(page.getByText('The line is on the clipboard')).toBeVisible();
}

/** Leaves few rows of the sample, so few steps: home.spec.ts trains all of it. In Electron nothing can step between. */
async function shortenSample(page: Page, home: string): Promise<void> {
  const full = path.join(REPO, 'resources/starter/data/describe.jsonl');
  const short = path.join(home, 'describe.jsonl');
  fs.writeFileSync(short, fs.readFileSync(full, 'utf8').split('\n').slice(0, 24).join('\n'));
  await page.route(/system\.starter/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replaceAll(full, short) });
  });
}

test('a first journey takes at most 12 clicks', async ({ graft: page, home }) => {
  test.setTimeout(300_000);
  await page.evaluate(() => {
    const counter = globalThis as unknown as { clicks: number };
    counter.clicks = 0;
    window.addEventListener('click', (event) => event.isTrusted && event.detail > 0 && counter.clicks++, true);
  });
  await journey(page, home, (target) => target.click());
  const clicks = await page.evaluate(() => (globalThis as unknown as { clicks: number }).clicks);
  test.info().annotations.push({ type: 'clicks', description: String(clicks) });
  expect(clicks).toBeGreaterThan(3);
  expect(clicks).toBeLessThanOrEqual(MOST_CLICKS);
});

test('the same journey by keyboard alone', async ({ graft: page, home }) => {
  test.setTimeout(300_000);
  await page.evaluate(() =>
    window.addEventListener('pointerdown', () => (document.title = 'a pointer was used'), true),
  );
  await journey(page, home, async (target) => {
    await target.waitFor();
    await expect(target).toBeEnabled();
    for (let tabs = 0; tabs < MOST_TABS; tabs++) {
      if (await target.evaluate((element) => element === document.activeElement)) return page.keyboard.press('Enter');
      await page.keyboard.press('Tab');
    }
    throw new Error(`${String(target)} is not reached by ${MOST_TABS} tabs.`);
  });
  await expect(page).not.toHaveTitle('a pointer was used');
});
