/** The rate finder of the new run: a search with the form's settings, its curve read, its rate taken over. */
import { expectAccessible } from './axe.ts';
import { addSample, addStarterModel, ask, expect, keepScreenshot, openStep, test } from './fixtures.ts';

const SEARCH_LIMIT_MS = 120_000;

test('a rate is found for the settings of the form and taken over; short runs around it can be cancelled', async ({
  graft: page,
}) => {
  test.setTimeout(240_000);
  await addStarterModel(page);
  await addSample(page, 'describe');
  await page.getByRole('link', { name: 'Train with it' }).click();
  await openStep(page, 'Schedule');
  const rate = page.getByLabel('Learning rate', { exact: true });
  await page.getByLabel('Batch size', { exact: true }).fill('2');
  await rate.fill('0.0123');
  await page.getByRole('button', { name: 'Find a rate' }).click();
  const finder = page.getByRole('region', { name: 'Rate finder' });
  await expect(finder.getByRole('progressbar', { name: 'Steps at rising rates' })).toBeVisible();
  await expect(finder.getByText(/\d+ of 100 steps, .* left/)).toBeVisible({ timeout: SEARCH_LIMIT_MS });
  const use = finder.getByRole('button', { name: /^Use / });
  await expect(use).toBeVisible({ timeout: SEARCH_LIMIT_MS });
  await expect(finder.getByRole('status')).toHaveText(/^The loss falls fastest between .* and .*; .* is .*\.$/);
  expect(await ask<unknown[]>(page, 'runs.list')).toEqual([]);

  await test.step('every point is read by keyboard, and stands in the table', async () => {
    const cursor = finder.getByRole('slider', { name: 'Loss over learning rate: cursor' });
    await cursor.focus();
    await page.keyboard.press('Home');
    await expect(cursor).toHaveAttribute('aria-valuetext', /^rate 1e-6, loss \d/);
    await page.keyboard.press('ArrowRight');
    // The hundred rates from 1e-6 to 1 are a factor of 10^(6/99) = 1.15 apart.
    await expect(cursor).toHaveAttribute('aria-valuetext', /^rate 1\.1e-6, loss \d/);
    await finder.getByText('All values as a table').click();
    await expect(finder.getByRole('row').nth(2)).toContainText('1.15e-6');
    await expectAccessible(page);
    await finder.getByText('All values as a table').click();
    await keepScreenshot(page, '24-rate-finder');
  });

  const proposal = Number((await use.textContent())!.replace('Use ', ''));
  expect(proposal).toBeGreaterThan(1e-6);
  await use.click();
  await expect(rate).toHaveValue(String(proposal));

  await finder.getByRole('button', { name: /^Compare rates around/ }).click();
  await expect(finder.getByRole('progressbar', { name: 'Short runs at five rates' })).toBeVisible();
  await finder.getByRole('button', { name: 'Cancel' }).click();
  await expect(finder.getByRole('button', { name: /^Compare rates around/ })).toBeVisible();
  await page.getByLabel('Batch size', { exact: true }).fill('4');
  await expect(finder.getByText(/Settings have changed since/)).toBeVisible();
});
