/** Choices prompt after prompt: from a dataset by keyboard to a dataset of the pairs that were chosen. */
import fs from 'node:fs';
import type { Page } from '@playwright/test';
import { expectAccessible } from './axe.ts';
import { ask, expect, keepScreenshot, test } from './fixtures.ts';
import { addParts, openHash, train } from './realRuns.ts';

interface Pair {
  prompt: string;
  chosen: string;
  rejected: string;
}

const PROMPTS = 5;
const ANSWER_LIMIT_MS = 60_000;

/** At the highest temperature no two answers are the same. */
async function freely(page: Page): Promise<void> {
  await page.getByRole('slider', { name: 'Temperature' }).focus();
  await page.keyboard.press('End');
}

/** Waits for the pair of that number; its prompt and both answers. */
async function shown(page: Page, place: number, total: number): Promise<[string, string, string]> {
  const choice = page.getByRole('region', { name: 'Choice', exact: true });
  await expect(choice.getByRole('status')).toHaveText(`${place} of ${total}, ${total - place} left`, {
    timeout: ANSWER_LIMIT_MS,
  });
  const prompt = (await choice.getByRole('region', { name: 'Prompt' }).innerText()).trim();
  const [left, right] = await choice.getByTestId('answer').allInnerTexts();
  return [prompt, left!.trim(), right!.trim()];
}

test('from a dataset through three choices by keyboard to a dataset of their pairs', async ({ graft: page }) => {
  test.setTimeout(240_000);
  const parts = await addParts(page);
  await openHash(page, `#/datasets/${parts.datasetId}`);
  await page.getByRole('link', { name: 'Collect choices' }).click();
  await expect(page.getByRole('heading', { name: 'Collect choices', level: 1 })).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'Dataset' })).toHaveValue(parts.datasetId);
  await page.getByLabel('Prompts', { exact: true }).fill(String(PROMPTS));
  await page.getByLabel('Max new tokens', { exact: true }).fill('16');
  await freely(page);
  await expectAccessible(page);
  await keepScreenshot(page, 'collect-form');
  await page.getByRole('button', { name: 'Start' }).click();

  const chosen: Pair[] = [];
  await test.step('left, right, neither, skip and left', async () => {
    for (const [i, key] of ['1', 'ArrowRight', '0', 's', 'ArrowLeft'].entries()) {
      const [prompt, left, right] = await shown(page, i + 1, PROMPTS);
      expect(left).not.toBe(right);
      if (i === 0) {
        await expectAccessible(page);
        for (const width of [900, 1920])
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.setViewportSize({ width, height: 860 });
            await page.emulateMedia({ colorScheme });
            await keepScreenshot(page, `collect-pair-${width}-${colorScheme}`);
          }
        await page.setViewportSize({ width: 1280, height: 860 });
      }
      if (key === '1' || key === 'ArrowLeft') chosen.push({ prompt, chosen: left, rejected: right });
      if (key === 'ArrowRight') chosen.push({ prompt, chosen: right, rejected: left });
      await page.keyboard.press(key);
    }
    await expect(page.getByText('That was the last of 5 prompts.')).toBeVisible();
    await expect(page.getByText('3 choices kept here.')).toBeVisible();
    await expectAccessible(page);
    await keepScreenshot(page, 'collect-over');
  });

  await test.step('a dataset of them, read back', async () => {
    const card = page.getByRole('region', { name: 'Choices for a dataset' });
    await expect(card).toContainText('3 pairs of answers');
    await card.getByRole('button', { name: 'Make a dataset of them' }).click();
    await expect(card.getByRole('link', { name: 'Playground choices, version 1' })).toBeVisible();
    const datasets = await ask<{ name: string; file: string }[]>(page, 'datasets.list');
    const { file } = datasets.find(({ name }) => name === 'Playground choices')!;
    const rows = fs.readFileSync(file, 'utf8').trim().split('\n');
    const read = rows.map((row) => JSON.parse(row) as Pair);
    const trimmed = read.map(({ prompt, chosen: better, rejected }) => ({
      prompt: prompt.trim(),
      chosen: better.trim(),
      rejected: rejected.trim(),
    }));
    expect(trimmed).toEqual(chosen);
  });

  await test.step('chosen prompts do not come again, and two who answer are scored', async () => {
    await train(page, parts, { train: { batch: 4, lr: 0.02, val: 0 } });
    await openHash(page, '#/playground');
    await page.getByRole('link', { name: 'Collect choices' }).click();
    await expect(page.getByRole('combobox', { name: 'Dataset' })).toHaveValue(parts.datasetId);
    await page.getByRole('combobox', { name: 'Who answers' }).selectOption({ index: 1 });
    await page.getByRole('combobox', { name: 'The other answer' }).selectOption({ index: 1 });
    await page.getByLabel('Prompts', { exact: true }).fill('3');
    await page.getByLabel('Max new tokens', { exact: true }).fill('16');
    await freely(page);
    await page.getByRole('button', { name: 'Start' }).click();
    const [prompt] = await shown(page, 1, 3);
    expect(chosen.map((pair) => pair.prompt)).not.toContain(prompt);
    await expect(page.getByText('3 prompts passed over')).toBeVisible();
    await page.getByRole('button', { name: 'Left is better' }).click();
    await shown(page, 2, 3);
    const scores = await ask<{ wins: number; losses: number }[]>(page, 'playground.votes.scores', {
      modelId: parts.modelId,
    });
    expect(scores).toHaveLength(2);
    await page.getByRole('button', { name: 'Stop here' }).click();
    // At once, while the answers that were under way are being stopped.
    await page.getByRole('button', { name: 'Start' }).click();
    await shown(page, 1, 3);
    await page.getByRole('button', { name: 'Stop here' }).click();
    await expect(page.getByRole('button', { name: 'Start' })).toBeVisible();
    await expect(page.getByRole('region', { name: 'Choices for a dataset' })).toContainText('4 pairs of answers');
  });
});
