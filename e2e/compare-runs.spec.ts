/** From the list of runs to their comparison: choosing by Shift and keys, losses, results, settings, spans, logs. */
import fs from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import type { RunView } from '../src-main/api/types.ts';
import { expectAccessible } from './axe.ts';
import { ask, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { addParts, openHash, train } from './realRuns.ts';

test('choose runs, tag, compare, filter, export their logs, archive', async ({ graft: page, home }) => {
  test.setTimeout(300_000);
  const parts = await addParts(page);
  const settings = { steps: 6, evalEvery: 3 };
  const runs = [
    await train(page, parts, { train: settings }),
    await train(page, parts, { train: { ...settings, lr: 0.0003 } }),
    await train(page, parts, { train: settings, method: { type: 'lora', targets: ['q', 'v'], rank: 2 } }),
  ];
  const names = runs.map(({ name }) => name);
  expect(names).toEqual(['describe', 'describe lr3e-4', 'describe r2 lr0.005']);
  await goTo(page, 'Runs');
  const table = page.getByRole('region', { name: 'All runs' });
  const box = (name: string) => table.getByRole('checkbox', { name: `Choose ${name}`, exact: true });

  await test.step('a span by Shift, another by the arrow keys', async () => {
    await box(names[2]!).click();
    await expect(table.getByText('Choose another to compare')).toBeVisible();
    await box(names[0]!).click({ modifiers: ['Shift'] });
    await expect(table.getByRole('status')).toHaveText('3 runs chosen');
    await table.getByRole('button', { name: 'Clear' }).click();
    await box(names[2]!).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Shift+ArrowDown');
    await expect(box(names[1]!)).toBeFocused();
    await expect(box(names[1]!)).toBeChecked();
    await expect(table.getByRole('status')).toHaveText('2 runs chosen');
  });

  await test.step('a tag for both, by which they are found', async () => {
    await table.getByRole('button', { name: 'Add a tag…' }).click();
    await page.getByRole('dialog').getByLabel('Tag').fill('late');
    await page.keyboard.press('Enter');
    await table.getByRole('button', { name: /^late 2$/ }).click();
    await expect.poll(() => listed(page)).toEqual([names[2], names[1]]);
    await keepScreenshot(page, 'runs-chosen');
    await expectAccessible(page);
    await table.getByRole('button', { name: /^late 2$/ }).click();
    await expect.poll(() => listed(page)).toHaveLength(3);
  });

  await test.step('the comparison has an address, and the values of the API', async () => {
    await box(names[0]!).click();
    await table.getByRole('link', { name: 'Compare', exact: true }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Compare runs' })).toBeVisible();
    await page.reload();
    const results = page.getByRole('region', { name: 'Results' });
    await expect(results.getByRole('row')).toHaveCount(4);
    for (const { id, name, result } of runs) {
      const { evaluations } = await ask<{ evaluations: { step: number; valLoss: number }[] }>(page, 'runs.metrics', {
        id,
      });
      const lowest = Math.min(...evaluations.filter(({ step }) => step > 0).map(({ valLoss }) => valLoss));
      const row = results.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
      await expect(row).toContainText(lowest.toFixed(4));
      await expect(row).toContainText(result!.finalLoss.toFixed(4));
    }
    await expect(settingKeys(page)).resolves.toEqual(['method.rank', 'train.lr']);
    await page.getByRole('switch', { name: 'All settings' }).click();
    await expect.poll(async () => (await settingKeys(page)).length).toBeGreaterThan(15);
    await page.getByRole('switch', { name: 'All settings' }).click();
  });

  await test.step('another x axis, said to screen readers', async () => {
    const cursor = page.getByRole('slider', { name: 'Validation loss: cursor' });
    await page.mouse.move(0, 0); // a pointer that rests on the chart would move its cursor as well
    await cursor.focus();
    await page.keyboard.press('End');
    await expect(cursor).toHaveAttribute('aria-valuetext', /^step 6, describe.* \d\.\d{4}, .* \d\.\d{4}$/);
    await page.getByLabel('X axis').selectOption('By wall-clock time');
    await expect(cursor).toHaveAttribute('aria-valuetext', /^time .*s, describe/);
    await page.getByLabel('X axis').selectOption('By tokens');
    await expect(cursor).toHaveAttribute('aria-valuetext', /^tokens [\d,]+, describe/);
  });

  await test.step('a span marked by keys, then by dragging, leaves the others out', async () => {
    const results = page.getByRole('region', { name: 'Results' });
    const plot = page.getByRole('region', { name: 'Parallel coordinates' });
    const lowest = plot.getByRole('slider', { name: 'Lowest Rank' });
    await expect(lowest).toHaveAttribute('aria-valuetext', '2');
    await lowest.focus();
    for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowUp');
    await expect(lowest).toHaveAttribute('aria-valuetext', '5');
    await expect(plot.getByRole('status')).toHaveText('2 of 3 runs within the marked spans');
    await expect(results.getByRole('row')).toHaveCount(3);
    await keepScreenshot(page, 'runs-compared');
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await expect(results.getByRole('row')).toHaveCount(4);

    const [top, foot] = [
      (await plot.getByRole('slider', { name: 'Highest Learning rate' }).boundingBox())!,
      (await plot.getByRole('slider', { name: 'Lowest Learning rate' }).boundingBox())!,
    ];
    const x = top.x + top.width / 2;
    await page.mouse.move(x, (top.y + foot.y) / 2);
    await page.mouse.down();
    await page.mouse.move(x, foot.y + 30, { steps: 5 });
    await page.mouse.up();
    await expect(results.getByRole('row')).toHaveCount(2);
    await expect(results.getByRole('link', { name: names[1]!, exact: true })).toBeVisible();
    await plot.getByRole('button', { name: 'Clear the marks' }).click();
    await expect(results.getByRole('row')).toHaveCount(4);
    await plot.getByRole('img', { name: /^describe lr3e-4: Rank 8, Learning rate 3e-4/ }).focus();
    await expect(plot.locator('figcaption')).toContainText('describe lr3e-4: Rank 8, Learning rate 3e-4');
  });

  await test.step('the logs are written, once', async () => {
    const dir = path.join(home, 'exports');
    await page.getByRole('button', { name: 'Export logs' }).click();
    const dialog = page.getByRole('dialog', { name: 'Export logs' });
    await dialog.getByRole('checkbox', { name: /^JSON/ }).check();
    await expect(dialog.getByLabel('Folder', { exact: true })).toHaveValue(dir);
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Export logs' }).click();
    await expect(dialog.getByText(`tensorboard --logdir "${path.join(dir, 'tensorboard')}"`)).toBeVisible();
    expect(fs.readdirSync(path.join(dir, 'tensorboard')).sort()).toEqual([...names].sort());
    const written = JSON.parse(fs.readFileSync(path.join(dir, 'json', 'describe.json'), 'utf8')) as {
      steps: unknown[];
    };
    expect(written.steps).toHaveLength(6);
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('button', { name: 'Export logs' }).click();
    await dialog.getByRole('button', { name: 'Export logs' }).click();
    await expect(dialog.getByRole('alert')).toContainText('exists already');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  await test.step('one run is put away and found again; a run that is gone is said to be', async () => {
    await openHash(page, '#/runs');
    await box(names[0]!).click();
    await table.getByRole('button', { name: 'Archive', exact: true }).click();
    await expect.poll(() => listed(page)).toEqual([names[2], names[1]]);
    await table.getByLabel('Archived').check();
    await expect.poll(() => listed(page)).toEqual([names[0]]);
    expect((await ask<RunView>(page, 'runs.get', { id: runs[0]!.id })).archivedAt).not.toBeNull();
    await openHash(page, `#/runs?compare=${runs[1]!.id},run-gone`);
    await expect(page.getByText('One of the runs in the address is not in the catalogue any more.')).toBeVisible();
  });
});

/** Names in the table, in its order. */
function listed(page: Page): Promise<string[]> {
  return page.getByRole('region', { name: 'All runs' }).locator('tbody').getByRole('link').allTextContents();
}

function settingKeys(page: Page): Promise<(string | null)[]> {
  return page
    .getByRole('region', { name: 'Settings that differ' })
    .locator('tr[data-setting]')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-setting')));
}
