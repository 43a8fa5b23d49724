/** A study from the wizard: it outlives a killed app, repeats no finished run, and ends with a verdict. */
import type { RunView, StudyView } from '../src-main/api/types.ts';
import { expectAccessible } from './axe.ts';
import { addParts, openHash } from './realRuns.ts';
import { ask, expect, keepScreenshot, openStep, test } from './fixtures.ts';

test('four runs, killed in the middle, go on by themselves to the verdict', async ({ graft: page, app }, testInfo) => {
  test.skip(testInfo.project.name === 'electron', 'Killing Electron ends its page too.');
  const { modelId, datasetId } = await addParts(page);
  await openHash(page, `#/new-run?model=${modelId}&dataset=${datasetId}`);
  await openStep(page, 'Schedule');
  await page.getByRole('radio', { name: 'Steps', exact: true }).click();
  await page.getByLabel('Steps', { exact: true }).fill('3');
  await openStep(page, 'Review');
  await page.getByRole('button', { name: /^Compare ranks/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Compare variants of this run' });
  await dialog.getByLabel('Ranks', { exact: true }).fill('1, 4, 1000');
  await dialog.getByLabel('Seeds').fill('0, 1');
  await expect(dialog.getByRole('row', { name: /^r = 1000 is left out\. Rank 1000 does not fit/ })).toBeVisible();
  await expect(dialog.getByText('2 variants, 4 runs')).toBeVisible();
  await expectAccessible(page);
  await keepScreenshot(page, '60-compare-dialog');
  await dialog.getByRole('button', { name: 'Start the study' }).click();

  await expect(page).toHaveURL(/#\/runs\?study=study-/);
  const id = new URL(page.url()).hash.replace('#/runs?study=', '');
  const study = (): Promise<StudyView> => ask(page, 'studies.get', { id });
  await expect(page.getByRole('progressbar', { name: 'Runs of the study' })).toHaveAttribute('aria-valuenow', '1', {
    timeout: 60_000,
  });
  await keepScreenshot(page, '61-study-under-way');
  const before = await study();
  const finished = before.variants.flatMap(({ runs }) => runs.filter(({ status }) => status === 'completed'));
  const ends = await Promise.all(finished.map(({ runId }) => ask<RunView>(page, 'runs.get', { id: runId })));
  await app.kill!();

  await expect(page.getByRole('status').filter({ hasText: /validation loss|as good as/ })).toBeVisible({
    timeout: 90_000,
  });
  const after = await study();
  expect(after).toMatchObject({ state: 'done', done: 4, total: 4 });
  expect(finished.length).toBeGreaterThanOrEqual(1);
  for (const { id: runId, startedAt, endedAt } of ends)
    expect(await ask<RunView>(page, 'runs.get', { id: runId })).toMatchObject({ startedAt, endedAt });

  const table = page.getByRole('region', { name: 'Variants' });
  await expect(table.getByRole('row')).toHaveCount(3);
  const [first] = after.variants;
  await expect(table.getByRole('row', { name: /^r = 1/ })).toContainText(first!.loss!.mean.toFixed(4));
  const plot = page.getByRole('group', { name: 'Validation loss by variant' });
  await plot.getByRole('img', { name: /^r = 1: mean/ }).focus();
  await page.keyboard.press('ArrowDown');
  await expect(plot.getByRole('img', { name: /^r = 4: mean/ })).toBeFocused();
  await expectAccessible(page);
  await keepScreenshot(page, '62-study');

  await page.getByRole('button', { name: 'Use the best run for its task' }).click();
  await expect(page.getByText(/now uses the best run's adapter/)).toBeVisible();
  const [task] = await ask<{ activeAdapter: { id: string } }[]>(page, 'tasks.list');
  expect(task!.activeAdapter.id).toBe(after.bestRun!.adapterId);
  await openHash(page, '#/runs');
  await page.getByRole('region', { name: 'Studies' }).getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(after.name);
});
