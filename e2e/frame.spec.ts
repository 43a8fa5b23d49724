/**
 * A support desk's table, as a workbook and as a semicolon CSV in latin-1: from an empty app to an answer that equals
 * the run's own sample, by mouse alone. Columns joined, a prompt template chosen, a question put in the same way after.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { workbook } from '../test-support/fixtures/workbook.ts';
import { addStarterModel, ask, expect, goTo, keepScreenshot, test as base } from './fixtures.ts';
import { expectAccessible } from './axe.ts';

const MOST_CLICKS = 12;
const HEADER = ['Betreff', 'Beschreibung', 'Antwort'];
const ROWS = Array.from({ length: 30 }, (_, i) => [
  `Drucker ${i}`,
  `Gerät ${i} druckt über Nacht nicht mehr.`,
  `Bitte Gerät ${i} aus- und wieder einschalten.`,
]);
const TABLE = [HEADER, ...ROWS];
const FILES: Record<string, () => Buffer> = {
  'tickets.xlsx': () => Buffer.from(workbook({ Tickets: TABLE })),
  'tickets.csv': () => Buffer.from(TABLE.map((row) => row.join(';')).join('\r\n'), 'latin1'),
};

/** The user's own folder is the data folder here, so that the file dialog begins where the table lies. */
const test = base.extend({
  hostEnv: async ({ home }, use) => use({ HOME: home, USERPROFILE: home }),
});

for (const [name, bytes] of Object.entries(FILES))
  test(`${name}: columns, template, run, verdict, playground in at most 12 clicks, nothing typed`, async ({
    graft: page,
    home,
  }, testInfo) => {
    test.skip(testInfo.project.name === 'electron', 'The dialog for files is the system’s own there.');
    test.setTimeout(300_000);
    fs.writeFileSync(path.join(home, name), bytes());
    const used = await countUse(page);

    await addStarterModel(page);
    await test.step('two columns make the question, without being asked', async () => {
      await goTo(page, 'Datasets');
      await page.getByRole('button', { name: 'Browse…' }).click();
      await page.getByRole('list', { name: 'What is in this folder' }).getByRole('button', { name }).click();
      await expect(page.getByText('Gerät 0 druckt über Nacht nicht mehr.').first()).toBeVisible();
      await expect(page.getByRole('textbox', { name: 'Text of prompt' })).toHaveValue('{Betreff}\n\n{Beschreibung}');
      await expect(page.getByLabel('Column for completion')).toHaveValue('Antwort');
      await keepScreenshot(page, `frame-1-columns-${path.extname(name).slice(1)}`);
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Add dataset' }).click();
    });

    await test.step('the template is chosen, and the first row shown in it', async () => {
      await page.getByRole('link', { name: 'Train with it' }).click();
      const first = page.getByRole('figure', { name: 'The first row as the model reads it' });
      await expect(first).toContainText('Gerät');
      await page.getByLabel('Prompt template', { exact: true }).selectOption({ label: 'User and Assistant' });
      await expect(first).toContainText('User: Drucker');
      await expect(first.locator('mark')).toContainText('einschalten');
      await keepScreenshot(page, 'frame-2-template');
    });

    await test.step('the run ends with a verdict on its held-out rows', async () => {
      await page.getByRole('button', { name: 'Start with these settings' }).click();
      await expect(page.getByText('Training is complete')).toBeVisible({ timeout: 120_000 });
      await expect(page.getByText(/The validation loss went from .* of 3 held-out rows/)).toBeVisible();
      await keepScreenshot(page, 'frame-2b-verdict');
    });

    const samples = page.getByRole('region', { name: 'Sample texts by step' });
    await expect(samples.getByRole('columnheader', { name: 'Expected' })).toBeVisible();
    await expect(samples.getByRole('cell').first()).toHaveText(/^\s*Bitte Gerät \d+ aus- und wieder einschalten\.$/);
    const sampled = words(await samples.getByRole('row').nth(1).getByRole('cell').last().locator('p').innerText());
    await expect(samples.getByRole('row').nth(1).getByRole('cell').last()).toContainText(/Loss \d/);

    await test.step('the playground opens with a question of the data, asked in the same frame', async () => {
      await page.getByRole('link', { name: 'Try it' }).click();
      await expect(page.getByLabel('Prompt', { exact: true })).toHaveValue(/^Drucker \d+\n\nGerät/);
      await expect(page.getByText('Asked as in training: User and Assistant.')).toBeVisible();
      await keepScreenshot(page, 'frame-3-playground');
      await page.getByRole('button', { name: 'Send' }).click();
      await expect(page.getByText(/tokens\/s/).first()).toBeVisible({ timeout: 60_000 });
      await keepScreenshot(page, 'frame-4-answer');
      // Written by the same values, from the same tokens; the longer one goes on.
      const answer = words((await page.getByTestId('generated').textContent()) ?? '');
      const length = Math.min(sampled.length, answer.length) - 1;
      expect(length).toBeGreaterThan(5);
      expect(answer.slice(0, length)).toEqual(sampled.slice(0, length));
    });

    const [dataset] = await ask<{ map: object; rows: number }[]>(page, 'datasets.list');
    expect(dataset).toMatchObject({ rows: 30, map: { prompt: '{Betreff}\n\n{Beschreibung}', completion: 'Antwort' } });
    const { clicks, keys } = await used();
    testInfo.annotations.push({ type: 'clicks', description: String(clicks) });
    expect(clicks).toBeGreaterThan(8);
    expect(clicks).toBeLessThanOrEqual(MOST_CLICKS);
    expect(keys).toBe(0);
  });

/** What the user does from now on. A choice from a list is two clicks: one opens it. */
async function countUse(page: Page): Promise<() => Promise<{ clicks: number; keys: number }>> {
  await page.evaluate(() => {
    const used = { clicks: 0, keys: 0 };
    Object.assign(globalThis, { used });
    const add = (target: EventTarget | null) => (target instanceof HTMLSelectElement ? 2 : 0);
    addEventListener('click', (event) => (used.clicks += event.isTrusted && event.detail > 0 ? 1 : 0), true);
    addEventListener('change', (event) => (used.clicks += add(event.target)), true);
    addEventListener('keydown', () => used.keys++, true);
  });
  return () => page.evaluate(() => (globalThis as unknown as { used: { clicks: number; keys: number } }).used);
}

function words(text: string): string[] {
  return text.replaceAll('↵', ' ').split(/\s+/).filter(Boolean);
}
