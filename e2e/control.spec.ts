/** A run under way can be paused, continued and stopped; what it learned until then is kept. */
import { addSample, addStarterModel, expect, goTo, pointCount, startRun, test } from './fixtures.ts';

test('pause holds the graph still, continue moves it, stop keeps the adapter', async ({ graft: page }) => {
  test.setTimeout(300_000);
  await addStarterModel(page);
  await addSample(page, 'describe');
  await page.getByRole('link', { name: 'Train with it' }).click();
  await startRun(page, { Steps: 3000, 'Evaluate every': 0 });
  await expect.poll(() => pointCount(page), { timeout: 120_000 }).toBeGreaterThan(2);

  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByText('paused', { exact: true })).toBeVisible({ timeout: 30_000 });
  // A reload reads what is recorded, so a step that went on in secret would show.
  const held = await pointCount(page);
  await page.reload();
  await expect(page.getByText('paused', { exact: true })).toBeVisible();
  await expect.poll(() => pointCount(page)).toBe(held);

  await page.getByRole('button', { name: 'Continue' }).click();
  await expect.poll(() => pointCount(page), { timeout: 60_000 }).toBeGreaterThan(held);

  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByText('Training was stopped; the adapter is in the catalogue.')).toBeVisible({ timeout: 60_000 });
  await goTo(page, 'Adapters');
  await expect(page.getByRole('region', { name: 'Task describe' }).getByRole('row', { name: /Export/ })).toHaveCount(1);
});
