/** What goes wrong is said in one sentence, with a way out. */
import fs from 'node:fs';
import path from 'node:path';
import { addSample, addStarterModel, ask, expect, goTo, keepScreenshot, lossFigure, pointCount, startRun, test } from './fixtures.ts';

test('a dataset with bad rows shows lines and reasons, and goes on with the rest when told to', async ({ graft: page, home }) => {
  const file = path.join(home, 'some-bad.jsonl');
  const good = (n: number) => JSON.stringify({ prompt: `question ${n}`, completion: ` answer ${n}` });
  fs.writeFileSync(file, [good(1), '{"prompt": "cut off', good(3), JSON.stringify({ prompt: 'no answer' }), good(5)].join('\n'));

  await goTo(page, 'Datasets');
  await page.getByLabel('File', { exact: true }).fill(file);
  await page.getByRole('button', { name: 'Check file' }).click();
  const bad = page.getByRole('region', { name: 'Bad rows' });
  await expect(bad.getByRole('row', { name: /^2 .*JSON/i })).toBeVisible();
  await expect(bad.getByRole('row', { name: /^4 .*completion/i })).toBeVisible();
  await expect(bad.getByRole('row')).toHaveCount(3);
  await keepScreenshot(page, '20-bad-rows');

  await page.getByRole('button', { name: 'Go on with 3 rows' }).click();
  await expect(page.getByRole('region', { name: 'Details of some-bad.jsonl' })).toContainText(/Good rows\s*3/);
});

test('a folder without config.json is refused with a sentence that names it', async ({ graft: page, home }) => {
  const dir = path.join(home, 'not-a-model');
  fs.mkdirSync(dir);
  await goTo(page, 'Models');
  await page.getByLabel('Checkpoint folder').fill(dir);
  await page.getByRole('button', { name: 'Add model' }).click();
  await expect(page.getByRole('alert')).toContainText('config.json');
  await expect(page.getByRole('alert')).toContainText(dir);
  await expect(page.getByRole('table')).toHaveCount(0);
  await keepScreenshot(page, '21-no-config');
});

test('the folder browser of the web host leads to a checkpoint', async ({ graft: page }, testInfo) => {
  test.skip(testInfo.project.name === 'electron', 'Electron shows the native dialog instead.');
  await goTo(page, 'Models');
  await page.getByRole('button', { name: 'Browse…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Choose a folder' });
  await dialog.getByRole('button', { name: 'Starter', exact: true }).click();
  await dialog.getByRole('button', { name: /^model\// }).click();
  await keepScreenshot(page, '22-browse');
  await dialog.getByRole('button', { name: 'Choose this folder' }).click();
  await page.getByRole('button', { name: 'Add model' }).click();
  await expect(page.getByRole('region', { name: /^Details of/ })).toContainText('Target modules');
});

test('a trainer killed in the middle is a failed run that resumes to its end', async ({ graft: page }) => {
  test.setTimeout(300_000);
  await addStarterModel(page);
  await addSample(page, 'describe');
  await page.getByRole('link', { name: 'Train with it' }).click();
  await startRun(page, { Steps: 200, 'Batch size': 4, 'Checkpoint every': 5, 'Evaluate every': 0 });
  await expect.poll(() => pointCount(page), { timeout: 120_000 }).toBeGreaterThan(8);

  const id = page.url().split('/').at(-1);
  const { pid } = await ask<{ pid: number | null }>(page, 'runs.get', { id });
  expect(pid).not.toBeNull();
  process.kill(pid!, 'SIGKILL');

  await expect(page.getByText('failed', { exact: true })).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('resume');
  await keepScreenshot(page, '23-run-failed');

  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByText('Training is complete')).toBeVisible({ timeout: 200_000 });
  await expect(lossFigure(page)).toHaveAttribute('data-points', '200');
  await expect(page.getByRole('alert')).toHaveCount(0);
});
