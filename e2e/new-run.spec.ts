/** The new run, by mouse: five steps, a picture of the model, a verdict, a command line, and real tiny runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import type { Page } from '@playwright/test';
import type { RunView } from '../src-main/api/types.ts';
import { expectAccessible } from './axe.ts';
import {
  addSample,
  addStarterModel,
  ask,
  change,
  expect,
  goTo,
  keepScreenshot,
  openStep,
  startRun,
  test,
} from './fixtures.ts';
import { hostEntry } from '../test-support/hostEntry.ts';
import { REPO } from './host.ts';
import { trainedSteps } from './realRuns.ts';

const RUN_LIMIT_MS = 120_000;

async function ready(page: Page): Promise<void> {
  await addStarterModel(page);
  await addSample(page, 'describe');
  await page.getByRole('link', { name: 'Train with it' }).click();
  await expect(page.getByRole('heading', { name: 'New run', level: 1 })).toBeVisible();
}

function runOf(page: Page): Promise<RunView> {
  return ask<RunView>(page, 'runs.get', { id: page.url().split('/').at(-1) });
}

test('a run by mouse: matrices clicked, a reload in between, the promised count, the same settings again', async ({
  graft: page,
}) => {
  test.setTimeout(240_000);
  await ready(page);
  await openStep(page, 'Method & targets');
  const trainable = page.getByTestId('trainable');
  const grid = page.getByRole('grid', { name: 'Adapted matrices' });
  // The starter: 4 layers of width 96, v has 48 outputs; every linear layer at first, then q and v with rank 8.
  await expect(grid.getByRole('gridcell', { name: /^Layer 3 down, rank 8/ })).toHaveAttribute('aria-selected', 'true');
  await page.getByRole('button', { name: 'None', exact: true }).click();
  await grid.getByRole('columnheader', { name: /^q, / }).click();
  await grid.getByRole('columnheader', { name: /^v, / }).click();
  await expect(trainable).toHaveText((4 * (8 * 192 + 8 * 144)).toLocaleString('en-US'));

  await test.step('cells, a row, a range and a rank of its own', async () => {
    await grid.getByRole('gridcell', { name: /^Layer 0 q/ }).click();
    await expect(trainable).toHaveText((3 * 8 * 192 + 4 * 8 * 144).toLocaleString('en-US'));
    await grid.getByRole('columnheader', { name: /^o, / }).click();
    await grid.getByRole('gridcell', { name: /^Layer 1 q/ }).click();
    await grid.getByRole('gridcell', { name: /^Layer 3 q/ }).click({ modifiers: ['Shift'] });
    await expect(grid.getByRole('gridcell', { name: /^Layer \d q, rank/ })).toHaveCount(0);
    await grid.getByRole('gridcell', { name: /^Layer 2 q/ }).click();
    await page.keyboard.press('+');
    await expect(grid.getByRole('gridcell', { name: 'Layer 2 q, rank 16' })).toBeFocused();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press(' ');
    await expect(grid.getByRole('gridcell', { name: 'Layer 3 q, rank 8' })).toHaveAttribute('aria-selected', 'true');
    // q of layers 2 (rank 16) and 3 (rank 8), every v and o.
    await expect(trainable).toHaveText((16 * 192 + 8 * 192 + 4 * 8 * 144 + 4 * 8 * 192).toLocaleString('en-US'));
    await expect(page.getByText('Fits this machine')).toBeVisible({ timeout: 60_000 });
    await expectAccessible(page);
    await keepScreenshot(page, '20-new-run-method');
  });

  await test.step('a reload in the middle keeps everything', async () => {
    const before = await trainable.textContent();
    await page.reload();
    await expect(grid.getByRole('gridcell', { name: 'Layer 2 q, rank 16' })).toHaveAttribute('aria-selected', 'true');
    await expect(trainable).toHaveText(before!);
  });

  await test.step('schedule and review', async () => {
    await page.getByRole('button', { name: 'Next' }).click();
    await expect(page.getByRole('img', { name: /^Learning rate over/ })).toBeVisible();
    await page.getByRole('radio', { name: 'Thorough' }).check();
    // 380 rows in batches of 8, the last of each epoch with 4, eight times.
    await expect(page.getByRole('img', { name: 'Learning rate over 384 steps' })).toBeVisible({ timeout: 30_000 });
    await expectAccessible(page);
    await keepScreenshot(page, '21-new-run-schedule');
    await openStep(page, 'Review');
    await expect(page.getByTestId('command-line')).toContainText('--exclude');
    await expectAccessible(page);
    await keepScreenshot(page, '22-new-run-review');
  });

  const promised = await trainable.textContent();
  await startRun(page, { Steps: 2, 'Batch size': 1, 'Evaluate every': 2 });
  await expect(page.getByText('Training is complete')).toBeVisible({ timeout: RUN_LIMIT_MS });
  const first = await runOf(page);
  expect(first.started?.trainableParameters.toLocaleString('en-US')).toBe(promised);

  await test.step('its settings again', async () => {
    await page.goto(page.url().replace(/#.*/, `#/new-run?from=${first.id}`));
    await openStep(page, 'Method & targets');
    await expect(trainable).toHaveText(promised!);
    await openStep(page, 'Review');
    await page.getByRole('button', { name: 'Start training' }).click();
    await expect(page).toHaveURL(/#\/runs\/run-/);
    const { spec } = await runOf(page);
    expect(spec.method).toEqual(first.spec.method);
    expect(spec.train).toEqual(first.spec.train);
    expect(spec.data).toEqual(first.spec.data);
  });

  await test.step('on the version that the run saw, the newer one a click away, or what is left of it', async () => {
    const { datasetId } = await runOf(page);
    const from = (id: string) => page.evaluate((hash) => (location.hash = hash), `#/new-run?from=${id}`);
    const { file } = await change<{ file: string }>(page, 'datasets.saveVersion', {
      id: datasetId,
      edits: { removed: [[0, 30]] },
    });
    await from(first.id);
    const note = page.getByRole('status').filter({ hasText: 'This run trains on version 1 of Sample: describe' });
    await expect(note).toContainText('version 2 is newer (30 rows deleted, from version 1)');
    const summary = page.getByRole('region', { name: 'Summary' });
    await expect(summary).toContainText('Sample: describe, version 1');
    await expectAccessible(page);
    await note.getByRole('button', { name: 'Use version 2' }).click();
    await expect(note).toHaveCount(0);
    await expect(summary).toContainText('Sample: describe, version 2');
    await openStep(page, 'Data');
    await page.getByRole('combobox', { name: 'Dataset version' }).selectOption('1');
    await expect(note).toBeVisible();
    await page.reload();
    await expect(note).toBeVisible();
    await note.getByRole('button', { name: 'Use version 2' }).click();
    await openStep(page, 'Review');
    await page.getByRole('button', { name: /^(Start training|Add to the queue)$/ }).click();
    await expect(page).toHaveURL(/#\/runs\/run-/);
    const second = await runOf(page);
    expect(second.spec.data).toMatchObject({ version: 2, file });
    await expect(page.getByText('Training is complete')).toBeVisible({ timeout: RUN_LIMIT_MS });

    fs.rmSync(file);
    await from(second.id);
    await expect(
      page.getByRole('status').filter({
        hasText:
          `Version 2 of Sample: describe cannot be used, since its file ${file} does not exist any more; this ` +
          'run trains on version 1 instead.',
      }),
    ).toBeVisible();
    await expect(summary).toContainText('Sample: describe, version 1');
    await expect(page.getByText('Fits this machine')).toBeVisible({ timeout: 30_000 });
  });
});

test('two clicks start a run; its command line starts the same one', async ({ graft: page, home }, testInfo) => {
  test.setTimeout(240_000);
  test.skip(
    testInfo.project.name === 'electron',
    'The command line belongs to the same data folder on either host; once is enough.',
  );
  await ready(page);
  await page.getByRole('button', { name: 'Review and start' }).click();
  // The rows that it samples on come with the dataset.
  await expect(page.getByTestId('command-line')).toContainText(' --sample ');
  const line = await page.getByTestId('command-line').textContent();
  await page.getByRole('button', { name: 'Start training' }).click();
  await expect(page).toHaveURL(/#\/runs\/run-/);
  const app = await runOf(page);
  await page.getByRole('button', { name: /^Stop/ }).first().click();

  const [, command] = /^npm run graft -- (.*)$/.exec(line ?? '')!;
  const words = [...command!.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  // What is compared is there as soon as the run has trained a step; its end would add nothing.
  const cli = spawn(process.execPath, [hostEntry('cli'), ...words, '--json'], {
    cwd: REPO,
    env: { ...process.env, GRAFT_HOME: home },
    stdio: 'ignore',
  });
  const ended = once(cli, 'exit');
  const started = async () => (await ask<RunView[]>(page, 'runs.list')).find(({ id }) => id !== app.id)?.id;
  await expect.poll(started, { timeout: RUN_LIMIT_MS }).toBeDefined();
  const id = (await started())!;
  await trainedSteps(page, id, 1);
  cli.kill('SIGKILL');
  await ended;
  const { spec } = await ask<RunView>(page, 'runs.get', { id });
  const own = ({ runId: _, runDir: _dir, outDir: _out, engine: _engine, ...rest }: RunView['spec']) =>
    JSON.parse(JSON.stringify({ ...rest, data: { ...rest.data, classify: rest.data.classify ?? false } })) as unknown;
  expect(own(spec)).toEqual(own(app.spec));
});

test('what does not fit is said at once, with a way out', async ({ graft: page }) => {
  await ready(page);
  const panel = page.getByRole('complementary', { name: 'What the run takes' });
  await expect(panel.getByText('Fits this machine')).toBeVisible({ timeout: 60_000 });

  await test.step('an absurd batch in little memory', async () => {
    await openStep(page, 'Schedule');
    await page.getByText('Memory and speed').click();
    await page.getByLabel('Memory limit', { exact: true }).fill('400');
    await page.getByLabel('Batch size', { exact: true }).fill('380');
    await expect(panel.getByText('Does not fit')).toBeVisible({ timeout: 30_000 });
    await keepScreenshot(page, '23-new-run-does-not-fit');
    // After the search for settings that fit without changing what was set by hand.
    await panel.getByRole('button', { name: /^Batch size \d+$/ }).click({ timeout: 90_000 });
    await expect(panel.getByText(/^(Fits this machine|Tight)$/)).toBeVisible({ timeout: 30_000 });
    expect(Number(await page.getByLabel('Batch size', { exact: true }).inputValue())).toBeLessThan(380);
  });

  await test.step('BitFit on a model without biases', async () => {
    await openStep(page, 'Method & targets');
    await page.getByText('Other methods').click();
    await page.getByRole('radio', { name: 'BitFit' }).check();
    await expect(panel.getByRole('alert')).toContainText('no biases');
    await panel.getByRole('button', { name: 'Use LoRA' }).click();
    await expect(panel.getByRole('alert')).toHaveCount(0);
  });

  await test.step('a rank larger than the matrix', async () => {
    const rank = page.getByLabel('Rank', { exact: true });
    await rank.fill('100000');
    await expect(page.getByRole('alert')).toHaveText('Rank must be a whole number from 1 to 48.');
    await expect(rank).toHaveValue('100000');
    await expect(panel.getByRole('button', { name: 'Review and start' })).toBeDisabled();
    await panel.getByRole('button', { name: 'Rank 48 at most' }).click();
    await expect(page.getByLabel('Rank', { exact: true })).toHaveValue('48');
  });

  await test.step('no target', async () => {
    await page.getByRole('button', { name: 'None' }).click();
    await expect(panel).toContainText('No matrix is chosen');
    await expect(panel.getByRole('button', { name: 'Review and start' })).toBeDisabled();
    await page.getByRole('button', { name: 'Usual' }).click();
    await expect(panel.getByRole('button', { name: 'Review and start' })).toBeEnabled();
  });

  await test.step('one real step, measured', async () => {
    await openStep(page, 'Review');
    await page.getByRole('button', { name: 'Measure it' }).click();
    await expect(page.getByRole('region', { name: 'Measurement' })).toContainText('Measured peak', { timeout: 60_000 });
  });

  await test.step('a learning rate that nobody uses is advised against', async () => {
    await openStep(page, 'Schedule');
    await page.getByLabel('Learning rate', { exact: true }).fill('10');
    await expect(page.getByText(/^Learning rate 10 is above the usual 0\.000001 to 0\.01/).first()).toBeVisible();
    await expect(panel.getByRole('list', { name: 'Warnings' })).toContainText('Learning rate 10 is above');
  });

  await test.step('Start over, and take it back', async () => {
    await page.getByRole('button', { name: 'Start over' }).click();
    await openStep(page, 'Method & targets');
    await expect(page.getByLabel('Rank', { exact: true })).toHaveValue('8');
    await page.getByRole('button', { name: 'Undo' }).click();
    await openStep(page, 'Method & targets');
    await expect(page.getByLabel('Rank', { exact: true })).toHaveValue('48');
  });
});

test('adapter layers are trained and catalogued', async ({ graft: page }) => {
  test.setTimeout(180_000);
  await ready(page);
  await openStep(page, 'Method & targets');
  await page.getByText('Other methods').click();
  await page.getByRole('radio', { name: 'Adapter layers' }).check();
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('Pfeiffer');
  await startRun(page, { Bottleneck: 4, Steps: 2, 'Batch size': 1 });
  await expect(page.getByText('Training is complete')).toBeVisible({ timeout: RUN_LIMIT_MS });
  expect((await runOf(page)).spec.method).toMatchObject({ type: 'adapter', kind: 'pfeiffer', bottleneck: 4 });
  await goTo(page, 'Adapters');
  await expect(page.getByText(/Adapter layers/).first()).toBeVisible();
});
