/** The list of runs: the queue and its order, search and sort, and deleting several at once. */
import type { Page } from '@playwright/test';
import { expectAccessible } from './axe.ts';
import { ask, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { addParts, haltAfter, queueRun, untilStatus } from './realRuns.ts';

test('reorder the queue, cancel, wait, search, sort, delete', async ({ graft: page }) => {
  test.setTimeout(300_000);
  await goTo(page, 'Runs');
  await expect(page.getByRole('link', { name: 'Start the first run' })).toBeVisible();
  const parts = await addParts(page);
  const long = await queueRun(page, parts, { name: 'long', train: { steps: 5000 } });
  const goOn = await haltAfter(page, long.id, 1);
  for (const name of ['alpha', 'beta', 'gamma', 'delta'])
    await queueRun(page, parts, { name, train: { steps: name === 'alpha' ? 1 : 2 } });
  const queue = page.getByRole('region', { name: 'Queue' });

  await test.step('the page hears of the runs by itself', async () => {
    await expect.poll(() => queued(page)).toEqual(['alpha', 'beta', 'gamma', 'delta']);
    await expect(queue.getByRole('progressbar', { name: 'Steps of long' })).toBeVisible({ timeout: 60_000 });
    await expect(queue).toContainText(/step [\d,]+ of 5,000/);
    await keepScreenshot(page, 'runs-queue');
    await expectAccessible(page);
  });

  await test.step('by keyboard one place up, by dragging to the top', async () => {
    const up = queue.getByRole('button', { name: 'Move gamma up' });
    await up.focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => queued(page)).toEqual(['alpha', 'gamma', 'beta', 'delta']);
    const handle = (await queue.getByRole('listitem').nth(3).locator('[data-handle]').boundingBox())!;
    const first = (await queue.getByRole('listitem').first().boundingBox())!;
    await page.mouse.move(handle.x + handle.width / 2, handle.y + handle.height / 2);
    await page.mouse.down();
    await page.mouse.move(handle.x + 4, first.y + first.height / 2, { steps: 8 });
    await page.mouse.up();
    const order = ['delta', 'alpha', 'gamma', 'beta'];
    await expect.poll(() => queued(page)).toEqual(order);
    await expect
      .poll(async () => (await ask<{ name: string }[]>(page, 'runs.queue')).map(({ name }) => name))
      .toEqual(order);
    await page.reload();
    await expect.poll(() => queued(page), { timeout: 30_000 }).toEqual(order);
  });

  await test.step('one leaves the queue, the others run in their order', async () => {
    await queue.getByRole('button', { name: 'Take gamma out of the queue' }).click();
    await expect.poll(() => queued(page)).toEqual(['delta', 'alpha', 'beta']);
    await queue.getByRole('link', { name: 'long' }).click();
    await page.getByRole('button', { name: 'Stop and keep' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Stop and keep the adapter' }).click();
    goOn();
    await goTo(page, 'Runs');
    const runs = await ask<{ id: string; name: string }[]>(page, 'runs.list');
    for (const { id, name } of runs)
      await untilStatus(page, id, name === 'long' || name === 'gamma' ? 'stopped' : 'completed');
    const ended = await ask<{ name: string; startedAt: string | null }[]>(page, 'runs.list');
    const started = ended
      .filter((run) => run.startedAt !== null)
      .sort((a, b) => a.startedAt!.localeCompare(b.startedAt!));
    expect(started.map(({ name }) => name)).toEqual(['long', 'delta', 'alpha', 'beta']);
    await expect(queue).toBeHidden();
  });

  const table = page.getByRole('region', { name: 'All runs' });
  await test.step('search, state and order', async () => {
    await table.getByRole('button', { name: 'Run', exact: true }).click();
    await expect.poll(() => listed(page)).toEqual(['alpha', 'beta', 'delta', 'gamma', 'long']);
    await table.getByRole('button', { name: 'Run', exact: true }).click();
    await expect.poll(() => listed(page)).toEqual(['long', 'gamma', 'delta', 'beta', 'alpha']);
    await table.getByLabel('State').selectOption('completed');
    await table.getByLabel('Search runs').fill('eta lora');
    await expect.poll(() => listed(page)).toEqual(['beta']);
    await table.getByLabel('Search runs').fill('nothing like this');
    await table.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => listed(page)).toHaveLength(5);
    await keepScreenshot(page, 'runs-table');
    await expectAccessible(page);
  });

  await test.step('deleting the chosen ones asks first', async () => {
    await table.getByRole('checkbox', { name: 'Choose alpha' }).check();
    await table.getByRole('checkbox', { name: 'Choose beta' }).check();
    await table.getByRole('button', { name: 'Delete 2 runs' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => listed(page)).toHaveLength(5);
    await table.getByRole('button', { name: 'Delete 2 runs' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete 2 runs' }).click();
    await expect.poll(() => listed(page)).toEqual(['long', 'gamma', 'delta']);
    expect((await ask<{ name: string }[]>(page, 'runs.list')).map(({ name }) => name).sort()).toEqual([
      'delta',
      'gamma',
      'long',
    ]);
    expect((await ask<{ id: string }>(page, 'runs.get', { id: long.id })).id).toBe(long.id);
  });
});

/** Names in the queue, in its order. */
function queued(page: Page): Promise<string[]> {
  return page.getByRole('region', { name: 'Queue' }).getByRole('listitem').getByRole('link').allTextContents();
}

/** Names in the table, in its order. */
function listed(page: Page): Promise<string[]> {
  return page.getByRole('region', { name: 'All runs' }).locator('tbody').getByRole('link').allTextContents();
}
