/** A support desk's spreadsheet: columns joined, a prompt template chosen, and a question put in the same way after. */
import fs from 'node:fs';
import path from 'node:path';
import { workbook } from '../test-support/fixtures/workbook.ts';
import { addStarterModel, expect, goTo, keepScreenshot, openStep, startRun, test } from './fixtures.ts';

const ROWS = Array.from({ length: 12 }, (_, i) => [
  `Drucker ${i}`,
  `Gerät ${i} druckt über Nacht nicht mehr.`,
  `Bitte Gerät ${i} aus- und wieder einschalten.`,
]);
const HEADER = ['Betreff', 'Beschreibung', 'Antwort'];

test('columns of a spreadsheet become a question, which is asked as it was trained', async ({ graft: page, home }) => {
  test.setTimeout(300_000);
  const sheet = path.join(home, 'tickets.xlsx');
  fs.writeFileSync(sheet, workbook({ Tickets: [HEADER, ...ROWS] }));
  const csv = path.join(home, 'tickets.csv');
  fs.writeFileSync(csv, Buffer.from([HEADER, ...ROWS].map((row) => row.join(';')).join('\r\n'), 'latin1'));
  await addStarterModel(page);

  for (const file of [csv, sheet])
    await test.step(`${path.extname(file)}: two columns make the question`, async () => {
      await goTo(page, 'Datasets');
      await page.getByLabel('File', { exact: true }).fill(file);
      await page.getByRole('button', { name: 'Check file' }).click();
      await page.getByLabel('Column for prompt').selectOption({ label: 'Several columns…' });
      await expect(page.getByRole('textbox', { name: 'Text of prompt' })).toHaveValue('{Betreff}\n\n{Beschreibung}');
      await page.getByLabel('Column for completion').selectOption('Antwort');
      await expect(page.getByText('Gerät 0 druckt über Nacht nicht mehr.').first()).toBeVisible();
      if (file === csv) return;
      await keepScreenshot(page, 'frame-1-columns');
      await page.getByRole('button', { name: 'Read all rows with these columns' }).click();
      await page.getByRole('button', { name: 'Add dataset' }).click();
    });

  await test.step('the template is chosen, and the first row shown in it', async () => {
    await page.getByRole('link', { name: 'Train with it' }).click();
    await openStep(page, 'Data');
    const first = page.getByRole('figure', { name: 'The first row as the model reads it' });
    await expect(first).toContainText('Gerät');
    await page.getByLabel('Prompt template', { exact: true }).selectOption({ label: 'User and Assistant' });
    await expect(first).toContainText('User: Drucker');
    await expect(first.locator('mark')).toContainText('einschalten');
    await keepScreenshot(page, 'frame-2-template');
    await startRun(page, { Steps: 4, 'Batch size': 2, 'Maximum length': 256 });
    await expect(page.getByText('Training is complete')).toBeVisible({ timeout: 120_000 });
    await expect(page.getByText(/The validation loss went from .* of 1 held-out rows/)).toBeVisible();
    await keepScreenshot(page, 'frame-2b-verdict');
  });

  const samples = page.getByRole('region', { name: 'Sample texts by step' });
  await expect(samples.getByRole('columnheader', { name: 'Expected' })).toBeVisible();
  await expect(samples.getByRole('cell').first()).toHaveText(/^\s*Bitte Gerät \d+ aus- und wieder einschalten\.$/);
  const sampled = await samples.getByRole('row').nth(1).getByRole('cell').last().innerText();

  await test.step('the playground opens with a question of the data, asked in the same frame', async () => {
    await page.getByRole('link', { name: 'Try it' }).click();
    await expect(page.getByLabel('Prompt', { exact: true })).toHaveValue(/^Drucker \d+\n\nGerät/);
    await expect(page.getByText('Asked as in training: User and Assistant.')).toBeVisible();
    await page.getByLabel('Max new tokens').fill('24');
    await keepScreenshot(page, 'frame-3-playground');
    await page.getByRole('button', { name: 'Send' }).click();
    await expect(page.getByText(/tokens\/s/).first()).toBeVisible({ timeout: 60_000 });
    await keepScreenshot(page, 'frame-4-answer');
    // The sample was written by the same values, from the same tokens.
    const words = (text: string): string[] => text.replaceAll('↵', ' ').split(/\s+/).filter(Boolean);
    const answer = words((await page.getByTestId('generated').textContent()) ?? '');
    expect(answer.length).toBeGreaterThan(5);
    expect(words(sampled).slice(0, answer.length - 1)).toEqual(answer.slice(0, -1));
  });
});
