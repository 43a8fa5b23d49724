/** Documents and pasted rows become datasets; questions are drafted from them, reviewed by keyboard and kept. */
import fs from 'node:fs';
import path from 'node:path';
import { expectAccessible } from './axe.ts';
import { addStarterModel, ask, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { REPO } from './host.ts';

const DOCUMENTS = path.join(REPO, 'test-support/fixtures/documents');

interface Stored {
  id: string;
  name: string;
  file: string;
  rows: number;
}

const rowsOf = (file: string): Record<string, unknown>[] =>
  fs
    .readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a folder of documents becomes a dataset, and what cannot be read is named', async ({ graft: page }) => {
  await goTo(page, 'Datasets');
  await page.getByRole('radio', { name: 'Documents' }).click();
  await page.getByLabel('Document', { exact: true }).fill(DOCUMENTS);
  await page.getByLabel('A row is').selectOption('A page');
  await page.getByRole('button', { name: 'Make rows' }).click();
  const made = page.getByRole('status').filter({ hasText: 'Made 6 rows of 4 documents.' });
  await expect(made).toContainText('encrypted.pdf is protected by a password');
  await expect(made).toContainText('scan.pdf holds pictures only');
  await expect(made).toContainText('report.pdf: 6 lines of repeated headers, footers and page numbers left out.');
  await expectAccessible(page);
  await keepScreenshot(page, 'datasets-documents');
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await expect(page.getByRole('region', { name: 'Details of documents' })).toBeVisible();
  const [dataset] = await ask<Stored[]>(page, 'datasets.list');
  expect(dataset).toMatchObject({ name: 'documents', rows: 6 });
  expect(rowsOf(dataset!.file)).toContainEqual({
    text: 'Das dritte Jahr brachte Eis und Schnee.\n\nIm Sommer kam die Dürre.',
    source: 'report.pdf',
    page: 3,
    heading: 'Wasserstände',
  });
});

test('a PDF that is dropped on the place for rows is taken for a document', async ({ graft: page }, testInfo) => {
  test.skip(testInfo.project.name === 'electron', 'A made-up file has no path there.');
  await goTo(page, 'Datasets');
  const bytes = fs.readFileSync(path.join(DOCUMENTS, 'ligatures.pdf')).toString('base64');
  const transfer = await page.evaluateHandle((base64) => {
    const data = new DataTransfer();
    const content = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    data.items.add(new File([content], 'ship.pdf'));
    return data;
  }, bytes);
  await page
    .getByRole('group', { name: 'Drop a file with rows here' })
    .dispatchEvent('drop', { dataTransfer: transfer });
  await expect(page.getByRole('list', { name: 'Documents to read' })).toContainText('ship.pdf');
  await page.getByRole('button', { name: 'Make rows' }).click();
  await expect(page.getByText('Ein affluent office fit flow')).toBeVisible();
});

test('rows pasted from a spreadsheet are mapped and added', async ({ graft: page }) => {
  await goTo(page, 'Datasets');
  await page.getByRole('radio', { name: 'Pasted rows' }).click();
  await page.getByRole('textbox', { name: 'Rows' }).fill('frage\tantwort\nWer?\tIch.\nWas?\t"Eins\nund zwei"');
  await page.getByRole('button', { name: 'Check rows' }).click();
  await page.getByLabel('Column for prompt').selectOption('frage');
  await page.getByLabel('Column for completion').selectOption('antwort');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await expect(page.getByRole('region', { name: 'Details of Pasted rows' })).toBeVisible();
  const [dataset] = await ask<(Stored & { map: object })[]>(page, 'datasets.list');
  expect(dataset).toMatchObject({ name: 'Pasted rows', rows: 2, map: { prompt: 'frage', completion: 'antwort' } });
});

test('drafted questions are reviewed by keyboard, left, gone on with, and become a dataset', async ({
  graft: page,
  home,
}) => {
  await addStarterModel(page);
  const file = path.join(home, 'texts.jsonl');
  const texts = ['Tom has a red ball.', 'The dog ran home.', 'Anna saw a bird.'];
  fs.writeFileSync(file, texts.map((text) => JSON.stringify({ text, source: 'story.pdf', page: 4 })).join('\n'));
  await goTo(page, 'Datasets');
  await page.getByLabel('File', { exact: true }).fill(file);
  await page.getByRole('button', { name: 'Check file' }).click();
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await page.getByRole('button', { name: 'More for texts.jsonl' }).click();
  await page.getByRole('menuitem', { name: 'Draft questions and answers' }).click();
  await page.getByRole('button', { name: 'Draft', exact: true }).click();

  const draft = page.getByRole('form', { name: 'Draft' });
  await expect(draft).toBeVisible({ timeout: 60_000 });
  const text = page.getByRole('article', { name: 'Text' });
  await expect(text).toContainText('Text 1 of 3 · story.pdf · page 4');
  await expect(page.getByRole('button', { name: 'Stop drafting' })).toBeHidden({ timeout: 60_000 });
  await page.keyboard.press('3');
  await expect(draft.getByLabel('Question')).toBeFocused();
  await draft.getByLabel('Question').fill('What does Tom have?');
  await draft.getByLabel('Answer').fill('A red ball.');
  await expectAccessible(page);
  await keepScreenshot(page, 'datasets-drafts');
  await page.keyboard.press('Control+Enter');
  await expect(text).toContainText('The dog ran home.');
  await page.keyboard.press('Escape');
  await page.keyboard.press('2');
  await expect(text).toContainText('Anna saw a bird.');
  const facts = page.getByRole('region', { name: 'Review of drafted questions' }).locator('dl');
  await expect(facts).toHaveText(/To review 1\s*Accepted 1\s*Rejected 1\s*Not drafted yet 0/);
  await page.getByRole('link', { name: 'All datasets' }).click();
  await page.getByRole('region', { name: 'Drafted questions' }).getByRole('link', { name: 'texts.jsonl' }).click();
  await expect(text).toContainText('Anna saw a bird.');
  await page.getByRole('button', { name: 'Make a dataset of 1 accepted draft' }).click();
  await expect(page.getByRole('region', { name: 'Details of Questions on texts.jsonl' })).toBeVisible();
  const datasets = await ask<Stored[]>(page, 'datasets.list');
  const made = datasets.find(({ name }) => name === 'Questions on texts.jsonl');
  expect(rowsOf(made!.file)).toEqual([
    { prompt: 'What does Tom have?', completion: 'A red ball.', source: 'story.pdf', page: 4, heading: null },
  ]);
});
