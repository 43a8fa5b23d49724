/** The whole road by mouse: model, datasets, two runs with a moving graph, adapters, switch, prompt, export. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import {
  addSample,
  addStarterModel,
  expect,
  goTo,
  keepScreenshot,
  lossFigure,
  openStep,
  pointCount,
  startRun,
  test,
} from './fixtures.ts';
import { haltAfter } from './realRuns.ts';

const RUN_LIMIT_MS = 120_000;

test('starter model, sample data, training, switching, generating, exporting', async ({ graft: page, home }) => {
  test.setTimeout(400_000);
  await keepScreenshot(page, '01-home-empty');

  await test.step('add the starter model', async () => {
    await addStarterModel(page);
    await keepScreenshot(page, '02-models');
  });

  await test.step('train on the first sample and see the graph move', async () => {
    await addSample(page, 'describe');
    await keepScreenshot(page, '03-datasets');
    await page.getByRole('link', { name: 'Train with it' }).click();
    await openStep(page, 'Review');
    await expect(page.getByLabel('Task name', { exact: true })).toHaveValue('describe');
    await openStep(page, 'Method & targets');
    const promised = await trainableInForm(page);
    await keepScreenshot(page, '04-train');
    await startRun(page, { Steps: 30, 'Batch size': 2, 'Learning rate': 0.02, 'Evaluate every': 15 });
    await seeGraphMove(page);
    await keepScreenshot(page, '05-run-live');
    await expect(page.getByText('Training is complete')).toBeVisible({ timeout: RUN_LIMIT_MS });
    await expect(lossFigure(page)).toHaveAttribute('data-points', '30');
    // The engine counts the parameters it trains itself; the form used the closed formula.
    await expect(page.getByRole('region', { name: 'Settings' })).toContainText(`${promised} of`);
  });

  await test.step('a reload shows the same run with all its losses', async () => {
    await page.reload();
    await expect(page.getByText('Training is complete')).toBeVisible();
    await expect(lossFigure(page)).toHaveAttribute('data-points', '30');
    await keepScreenshot(page, '06-run-reloaded');
  });

  await test.step('train the second task, on other matrices', async () => {
    await addSample(page, 'extract');
    await page.getByRole('link', { name: 'Train with it' }).click();
    await openStep(page, 'Method & targets');
    await page.getByRole('button', { name: 'None', exact: true }).click();
    for (const target of ['q', 'v', 'o'])
      await page.getByRole('columnheader', { name: new RegExp(`^${target}, `) }).click();
    await startRun(page, { Steps: 2, Rank: 4, 'Batch size': 2 });
    await expect(page.getByText('Training is complete')).toBeVisible({ timeout: RUN_LIMIT_MS });
    await expect(page.getByRole('region', { name: 'Settings' })).toContainText('q v o');
    await goTo(page, 'Runs');
    await expect(page.getByRole('row')).toHaveCount(3);
    await keepScreenshot(page, '07-runs');
  });

  await test.step('switch adapters and see how long it took', async () => {
    await goTo(page, 'Adapters');
    const describe = page.getByRole('region', { name: 'Task describe' });
    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await expect(page.getByText('is loaded on')).toBeVisible({ timeout: 60_000 });
    await describe.getByRole('button', { name: 'Switch to the plain base' }).click();
    await expect(describe.getByText(/^Switched in [\d.]+ ms\.$/)).toBeVisible();
    await expect(describe.getByRole('row', { name: /Plain base/ })).toContainText('active');
    await describe.getByRole('button', { name: /^Switch to describe/ }).click();
    await expect(describe.getByRole('row', { name: /rank 8/ })).toContainText('active');
    await expect(describe.getByText(/^Switched in [\d.]+ ms\.$/)).toBeVisible();
    await keepScreenshot(page, '08-adapters');
  });

  await test.step('the adapter and the plain base write different texts', async () => {
    await goTo(page, 'Playground');
    await page.getByLabel('Prompt').fill(firstPrompt());
    await page.getByLabel('Max new tokens').fill('24');
    const answersWith = page.getByRole('group', { name: 'Answers with' });
    await answersWith.getByRole('button', { name: 'Plain base' }).click();
    const plain = await generate(page);
    await answersWith.getByRole('button', { name: 'describe' }).click();
    await expect(page.getByText(/Switched to describe in [\d.]+ ms\./)).toBeVisible();
    const tuned = await generate(page);
    expect(tuned).not.toBe(plain);
    await keepScreenshot(page, '09-playground');
  });

  await test.step('export with a passed certificate', async () => {
    await goTo(page, 'Export');
    await page.getByRole('radio', { name: 'Python' }).click();
    await page.getByRole('combobox', { name: 'Adapter', exact: true }).selectOption({ index: 0 });
    const folder = await page.getByLabel('New folder').inputValue();
    await page.getByRole('button', { name: 'Merge and export' }).click();
    const card = page.getByRole('article', { name: `Export ${folder}` });
    const certificate = card.getByRole('region', { name: 'Parity certificate' });
    await expect(certificate.getByText('passed')).toBeVisible({ timeout: RUN_LIMIT_MS });
    await expect(certificate).toContainText('Largest logit difference');
    await expect(certificate).toContainText('Equal greedy tokens');
    await keepScreenshot(page, '10-exports');
    const files = fs.readdirSync(path.join(home, 'exports', folder));
    expect(files).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json', 'parity.json']),
    );
  });

  await test.step('the other pages', async () => {
    await goTo(page, 'Settings');
    await expect(page.getByText(/^usable$/).first()).toBeVisible({ timeout: 60_000 });
    await keepScreenshot(page, '11-system');
    await page.getByRole('button', { name: 'Theme: system' }).click();
    await page.getByRole('button', { name: 'Theme: light' }).click();
    await goTo(page, 'Home');
    await keepScreenshot(page, '12-home-dark');
  });
});

/** The graph's series grows and its pixels change while the run is under way. */
async function seeGraphMove(page: Page): Promise<void> {
  const goOn = await haltAfter(page, page.url().split('/').at(-1)!, 2);
  await expect.poll(() => pointCount(page)).toBeGreaterThan(1);
  const points = await pointCount(page);
  const pixels = await canvasHash(page);
  goOn();
  await expect.poll(() => pointCount(page), { timeout: RUN_LIMIT_MS }).toBeGreaterThan(points);
  await expect.poll(() => canvasHash(page)).not.toBe(pixels);
}

async function canvasHash(page: Page): Promise<string> {
  const image = await lossFigure(page).locator('canvas').screenshot();
  return createHash('sha256').update(image).digest('hex');
}

/** The number of trainable parameters that the form promises, as it is written there. */
async function trainableInForm(page: Page): Promise<string> {
  const count = page.getByTestId('trainable');
  await expect(count).toHaveText(/[\d,]+/);
  return (await count.textContent())!;
}

/** Generates and returns the new text, once it is complete. */
async function generate(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Generate', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Output' })).toContainText('tokens/s', { timeout: 60_000 });
  const text = await page.getByTestId('generated').textContent();
  expect(text).toBeTruthy();
  return text!;
}

/** A prompt that the sample data knows. */
function firstPrompt(): string {
  const file = path.resolve(import.meta.dirname, '../resources/starter/data/describe.jsonl');
  const row: unknown = JSON.parse(fs.readFileSync(file, 'utf8').split('\n')[0]!);
  if (typeof row !== 'object' || row === null || !('prompt' in row))
    throw new Error(`${file} has no prompt in its first row.`);
  return String(row.prompt);
}
