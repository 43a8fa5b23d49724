/** Every page, empty and full, in both themes: no serious violation; full ones fit narrow and wide windows. */
import type { Page } from '@playwright/test';
import { expectAccessible } from './axe.ts';
import { addSample, addStarterModel, ask, change, expect, goTo, startRun, test } from './fixtures.ts';
import { PAGES, PAGE_TITLES } from '../src-shared/routes.ts';

/**
 * What else is looked at besides 1280. A width changes what is shown, not its names and colours: each page is audited
 * at one of them, in turn and in one theme, and measured at all.
 */
const WIDTHS = [900, 1920, 2560, 700] as const;

/**
 * Pixels by which a page is too wide. It scrolls in its frame, so a frame that scrolls sideways is what elsewhere would
 * be a document too wide.
 */
function sideways(page: Page): Promise<number> {
  return page.evaluate(() => {
    const main = document.querySelector('main')!;
    return Math.max(document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth);
  });
}

test('empty pages have no serious violation', async ({ graft: page }) => {
  for (const name of PAGES) {
    await goTo(page, PAGE_TITLES[name]);
    await expectAccessible(page);
  }
});

test('full pages have no serious violation, and fit every window', async ({ graft: page }) => {
  test.setTimeout(300_000);
  await addStarterModel(page);
  await addSample(page, 'describe');
  await page.getByRole('link', { name: 'Train with it' }).click();
  await startRun(page, { Steps: 2, Batch: 1, 'Validate every': 1 });
  await expect(page.getByText('Training is complete')).toBeVisible({ timeout: 120_000 });
  const [adapter] = await ask<{ id: string; runId: string; modelId: string }[]>(page, 'adapters.list');
  const [dataset] = await ask<{ id: string }[]>(page, 'datasets.list');
  await change(page, 'playground.load', { modelId: adapter!.modelId, engine: 'tensorflow' });
  const places = PAGES.map((name): string => `#/${name}`).concat(
    `#/models/${adapter!.modelId}`,
    `#/datasets/${dataset!.id}`,
    `#/runs/${adapter!.runId}`,
    `#/adapters/${adapter!.id}`,
    `#/playground?collect=${dataset!.id}`,
  );
  for (const [place, hash] of places.entries()) {
    await page.evaluate((to) => (location.hash = to), hash);
    await expect(page.getByRole('main').getByRole('heading', { level: 1 })).toBeVisible();
    await page.waitForLoadState('networkidle');
    await expectAccessible(page);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 860 });
      await expect.poll(() => sideways(page), `${hash} is not pushed sideways at ${width}`).toBeLessThanOrEqual(0);
      if (width === WIDTHS[place % WIDTHS.length]) await expectAccessible(page, ['light']);
    }
    await page.setViewportSize({ width: 1280, height: 860 });
  }
});
