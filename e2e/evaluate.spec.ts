/** Suites on the page: made of the rows that a run kept, measured, compared, read row by row, deleted. */
import fs from 'node:fs';
import path from 'node:path';
import { expectAccessible } from './axe.ts';
import { ask, change, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { addParts, openHash, train } from './realRuns.ts';

type StartSettings = Parameters<typeof train>[2];

const MEASURE_LIMIT_MS = 90_000;

test('a base and an adapter are measured by the rows that a run kept, and compared', async ({ graft: page }) => {
  await goTo(page, 'Evaluate');
  await expect(page.getByRole('main').getByRole('link', { name: 'Add a dataset' })).toBeVisible();
  const parts = await addParts(page);
  await change(page, 'datasets.add', { file: starterData('extract'), name: 'Something else' });
  const settings = {
    method: { type: 'lora', targets: ['q', 'k', 'v', 'o', 'up', 'down'], rank: 8 },
  } satisfies StartSettings;
  const run = await train(page, parts, {
    ...settings,
    data: { maxLength: 256 },
    train: { steps: 40, batch: 8, val: 0.05 },
  });
  await openHash(page, '#/evaluate');
  await page.reload();

  await test.step('a suite of the held-out rows, with rows of something else', async () => {
    await page.getByRole('button', { name: 'New suite' }).click();
    const dialog = page.getByRole('dialog', { name: 'New suite' });
    await dialog.getByLabel('Name').fill('Held out');
    await expect(dialog.getByRole('radio', { name: 'Held-out rows of a run' })).toBeChecked();
    await expect(dialog.getByLabel('Run')).toHaveValue(run.id);
    await dialog.getByLabel('General rows').selectOption({ label: 'Something else' });
    await dialog.getByLabel('Tokens of an answer').fill('40');
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Make the suite' }).click();
    await expect(page.getByRole('heading', { name: 'Held out', level: 1 })).toBeVisible();
    await expect(page.getByText('20 questions of Sample: describe; general loss on 200 rows')).toBeVisible();
  });

  await test.step('the base and the newest adapter are chosen; progress, then the comparison', async () => {
    const measure = page.getByRole('region', { name: 'Measure' });
    await measure.getByRole('button', { name: 'Measure 2 subjects' }).click();
    await expect(measure.getByRole('progressbar', { name: 'Questions measured' })).toBeVisible();
    const comparison = page.getByRole('region', { name: 'Comparison' });
    const loss = comparison.getByRole('row', { name: /^Loss/ }).getByRole('cell');
    await expect(loss.nth(1)).toContainText('better', { timeout: MEASURE_LIMIT_MS });
    await expect(comparison.getByRole('columnheader').nth(1)).toContainText('plain base');
    // The losses that the run itself has begun and ended with.
    await expect(loss.nth(0)).toHaveText(run.result!.initialValLoss!.toFixed(4));
    await expect(loss.nth(1)).toContainText(run.result!.valLoss!.toFixed(4));
    await expect(loss.nth(1)).toContainText(/\d+ won, \d+ tied, \d+ lost/);
    await expect(comparison.getByRole('row', { name: /^General loss/ })).toContainText('worse');
  });

  await test.step('rows that differ, by another metric', async () => {
    const rows = page.getByRole('region', { name: 'Differing answers' });
    await expect(rows.getByRole('heading')).toHaveText(/^\d+ questions? with different answers$/);
    await expect(rows.getByRole('listitem').first()).toContainText('Right answer');
    await rows.getByLabel('Most changed by').selectOption({ label: 'ROUGE-L' });
    await expect(rows.getByLabel('Most changed by')).toHaveValue('rougeL');
    await expect(rows.getByRole('listitem').first()).toContainText('Question');
    await expectAccessible(page);
    await keepScreenshot(page, '85-suite');
  });

  await test.step('a model as judge, which says that nobody knows whether it judges as the user does', async () => {
    const judge = page.getByRole('region', { name: 'Judge' });
    await judge.getByLabel('What makes an answer the better one').fill('Be right.');
    await judge.getByRole('button', { name: 'Ask the judge' }).click();
    await expect(judge.getByRole('status')).toContainText('made no choices in the playground', {
      timeout: MEASURE_LIMIT_MS,
    });
    await expect(judge.getByText('Cannot decide')).toBeVisible();
    await expectAccessible(page);
    await keepScreenshot(page, '85-judge');
  });

  await test.step('no page scrolls sideways, narrow or wide', async () => {
    for (const width of [700, 900, 1920, 2560]) {
      await page.setViewportSize({ width, height: 900 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `at ${width} px`).toBeLessThanOrEqual(0);
      await keepScreenshot(page, `85-suite-${width}`);
    }
  });

  await test.step('the other way round, and what was kept is there after a reload', async () => {
    await page.getByLabel('Compared with').selectOption({ index: 1 });
    const other = page.getByRole('region', { name: 'Comparison' }).getByRole('row', { name: /^BLEU/ });
    await expect(other.getByRole('cell').nth(1)).toContainText('worse');
    const after = page.getByLabel('After training');
    await after.selectOption({ label: 'each new adapter of describe' });
    const kept = async () => (await ask<{ afterTaskId: unknown }[]>(page, 'suites.list'))[0]!.afterTaskId;
    await expect.poll(kept).not.toBe(null);
    await page.reload();
    await expect(page.getByRole('region', { name: 'Comparison' })).toContainText('plain base');
    await expect(after.locator('option:checked')).toHaveText('each new adapter of describe');
  });

  await test.step('the way back to the base is asked about, since the suite says that it is worse', async () => {
    await goTo(page, 'Home');
    const task = page.getByRole('article', { name: 'Task describe' });
    await task.getByRole('button', { name: 'Plain base' }).click();
    const doubt = page.getByRole('alertdialog', { name: 'Switch to a worse adapter?' });
    await expect(doubt).toContainText(/Starter is worse than describe on the suite Held out: .*BLEU -/);
    await doubt.getByRole('button', { name: 'Cancel' }).click();
    await expect(doubt).toHaveCount(0);
    await task.getByRole('button', { name: 'Plain base' }).click();
    await doubt.getByRole('button', { name: 'Switch all the same' }).click();
    await expect
      .poll(async () => (await ask<{ activeAdapterId: unknown }[]>(page, 'tasks.list'))[0]!.activeAdapterId)
      .toBe(null);
    await goTo(page, 'Evaluate');
    await page.getByRole('link', { name: 'Held out' }).click();
  });

  await test.step('the list, and the end of it', async () => {
    await page.getByRole('link', { name: 'All suites' }).click();
    const row = page.getByRole('region', { name: 'Suites' }).getByRole('row').nth(1);
    await expect(row).toContainText('2 subjects');
    await expectAccessible(page);
    await keepScreenshot(page, '84-suites');
    await row.getByRole('link', { name: 'Held out' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
    await expect(page.getByText('No suite yet')).toBeVisible();
  });
});

test('what was trained on is warned of and left out; labels have a confusion matrix; a run is cancelled', async ({
  graft: page,
  home,
}) => {
  const file = path.join(home, 'labels.jsonl');
  const rows = Array.from({ length: 24 }, (_, i) => ({
    prompt: `The number ${i} is`,
    completion: i % 2 ? ' odd' : ' even',
  }));
  fs.writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  const { modelId } = await addParts(page);
  const { id: datasetId } = await change<{ id: string }>(page, 'datasets.add', { file, name: 'Parity' });
  await train(page, { modelId, datasetId }, { train: { steps: 2, val: 0.25 } });
  const suite = { name: 'Parity', dataset: { datasetId }, generation: { maxNew: 4 } };
  const { id } = await change<{ id: string }>(page, 'suites.add', suite);
  await openHash(page, `#/evaluate/${id}`);
  await page.getByRole('button', { name: 'Measure 2 subjects' }).click();
  const matrix = page.getByRole('region', { name: 'Confusion matrix' });
  await expect(matrix.getByRole('row')).toHaveCount(3, { timeout: MEASURE_LIMIT_MS });
  await expect(matrix.getByRole('columnheader')).toHaveText(['Right label', 'even', 'odd', 'another answer']);
  await expect(
    page.getByText(/^18 of 24 questions overlap with what .* was trained on \(18 the same row/),
  ).toBeVisible();
  await page.getByRole('switch', { name: 'Leave out what was trained on' }).click();
  await expect(page.getByText('18 of 24 questions left out: they overlap with training rows.')).toBeVisible();
  await expectAccessible(page);

  await change(page, 'suites.add', { ...suite, name: 'Long', generation: { maxNew: 4000 } });
  await openHash(page, '#/evaluate');
  await page.getByRole('link', { name: 'Long' }).click();
  await page.getByRole('button', { name: 'Measure 2 subjects' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('button', { name: 'Measure 2 subjects' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Comparison' })).toHaveCount(0);
  await expect(page.getByRole('alert')).toHaveCount(0);
});

function starterData(name: string): string {
  return path.resolve(import.meta.dirname, `../resources/starter/data/${name}.jsonl`);
}
