/** Every page, empty and full, in both themes: no serious violation; full ones fit a narrow window. */
import { expectAccessible } from './axe.ts';
import { addSample, addStarterModel, ask, change, expect, goTo, startRun, test } from './fixtures.ts';
import { PAGES, PAGE_TITLES } from '../src-shared/routes.ts';

test('empty pages have no serious violation', async ({ graft: page }) => {
  for (const name of PAGES) {
    await goTo(page, PAGE_TITLES[name]);
    await expectAccessible(page);
  }
});

test('full pages have no serious violation, and fit a narrow window', async ({ graft: page }) => {
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
  );
  for (const hash of places) {
    await page.evaluate((to) => (location.hash = to), hash);
    await expect(page.getByRole('main').getByRole('heading', { level: 1 })).toBeVisible();
    await page.waitForLoadState('networkidle');
    await expectAccessible(page);
    await page.setViewportSize({ width: 700, height: 860 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide, `${hash} is not pushed sideways in a narrow window`).toBeLessThanOrEqual(700);
    await page.setViewportSize({ width: 1280, height: 860 });
  }
});
