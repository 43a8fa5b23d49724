/** Datasets: adding, columns, tokens, bad and repeated rows, editing rows into a version that a run then names. */
import fs from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from './axe.ts';
import { addSample, addStarterModel, ask, change, expect, goTo, keepScreenshot, test } from './fixtures.ts';

interface Stored {
  id: string;
  file: string;
  version: number;
  rows: number;
  hash: string;
}

const write = (file: string, rows: (object | string)[]): string => {
  fs.writeFileSync(file, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
  return file;
};

async function check(page: Page, file: string): Promise<void> {
  await goTo(page, 'Datasets');
  await page.getByLabel('File', { exact: true }).fill(file);
  await page.getByRole('button', { name: 'Check file' }).click();
}

async function openTab(page: Page, name: string): Promise<Locator> {
  await page.getByRole('tab', { name }).click();
  return page.getByRole('tabpanel', { name });
}

test('a CSV file without a header, one of several dropped files, and a folder in place of a file', async ({
  graft: page,
  home,
}, testInfo) => {
  const folder = path.join(home, 'bare');
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'bare.csv'), 'A cat,sat\nA dog,ran\n');
  await check(page, path.join(folder, 'bare.csv'));
  await page.getByRole('switch', { name: 'The first line is a row' }).click();
  await expect(page.getByLabel('Column for prompt')).toContainText('column 1');
  test.skip(testInfo.project.name === 'electron', 'Electron shows the native dialog, and knows where a file lies.');
  const dropped = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    for (const name of ['one.csv', 'two.csv']) data.items.add(new File(['prompt,completion\na,b\n'], name));
    return data;
  });
  const zone = page.getByRole('group', { name: 'Drop a file with rows here' });
  await zone.dispatchEvent('drop', { dataTransfer: dropped });
  await expect(page.getByText('Only one.csv of the 2 dropped files was taken')).toBeVisible();
  await page.getByRole('button', { name: 'Folder…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Choose a folder' });
  await dialog.getByLabel('Path').fill(folder);
  await dialog.getByRole('button', { name: 'Choose this folder' }).click();
  await expect(page.getByLabel('File', { exact: true })).toHaveValue(folder);
});

test('bad rows are listed with their lines, saved as CSV, and left out', async ({ graft: page, home }) => {
  const good = (n: number) => ({ prompt: `question ${n}`, completion: ` answer ${n}` });
  const file = write(path.join(home, 'three-bad.jsonl'), [
    good(1),
    '{"prompt": "cut off',
    good(3),
    { prompt: 'no answer' },
    good(5),
    { prompt: 6, completion: ' six' },
  ]);
  await check(page, file);
  const bad = page.getByRole('region', { name: 'Bad rows' });
  for (const line of [2, 4, 6]) await expect(bad.getByRole('row', { name: new RegExp(`^${line} `) })).toBeVisible();
  await expect(bad.getByRole('row')).toHaveCount(4);
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    bad.getByRole('button', { name: 'Save as CSV' }).click(),
  ]);
  const csv = fs.readFileSync(await saved.path(), 'utf8');
  expect(csv.split('\r\n').map((line) => line.split(',')[0])).toEqual(['line', '2', '4', '6', '']);
  expect(csv).toContain('"""completion"" is missing"');

  await page.getByRole('button', { name: 'Go on with 3 rows' }).click();
  const details = page.getByRole('region', { name: 'Details of three-bad.jsonl' });
  await expect(details).toContainText('Good rows');
  const checks = await openTab(page, 'Checks');
  await expect(checks.getByRole('switch', { name: /Go on without them/ })).toBeChecked();
  await expectAccessible(page);
  await keepScreenshot(page, 'datasets-checks');
  await checks.getByRole('button', { name: 'Leave them out in a new version' }).click();
  await expect(checks).toContainText('All 3 rows can be used.');
  await expect(page.getByText('Version 2 has the 3 good rows only.')).toBeVisible();
});

test('a dropped file with odd column names is mapped, with the preview beside it', async ({
  graft: page,
}, testInfo) => {
  test.skip(testInfo.project.name === 'electron', 'A made-up file has no path there.');
  await goTo(page, 'Datasets');
  const drop = page.getByRole('group', { name: /^Drop a/ });
  const content = 'frage;antwort;notiz\nWer bist du?;Ich bin Graft.;eins\nWas tust du?;Lernen.;zwei\n';
  const transfer = await page.evaluateHandle((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], 'fragen.csv'));
    return data;
  }, content);
  await drop.dispatchEvent('drop', { dataTransfer: transfer });

  await expect(page.getByText('By their names these columns are question and answer.')).toBeVisible();
  await expect(page.getByLabel('Column for prompt')).toHaveValue('frage');
  await page.getByLabel('Column for completion').selectOption('notiz');
  const preview = page.getByRole('region', { name: 'Preview' });
  await expect(preview.getByRole('cell', { name: 'eins' })).toBeVisible();
  await page.getByLabel('Column for completion').selectOption('antwort');
  await expect(preview.getByRole('cell', { name: 'Ich bin Graft.' })).toBeVisible();
  await expect(preview.getByRole('cell', { name: 'eins' })).toHaveCount(0);
  await keepScreenshot(page, 'datasets-mapping');
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await expect(page.getByRole('region', { name: 'Details of fragen.csv' })).toBeVisible();
  const [dataset] = await ask<(Stored & { map: object })[]>(page, 'datasets.list');
  expect(dataset).toMatchObject({ rows: 2, map: { prompt: 'frage', completion: 'antwort' } });
  expect(fs.readFileSync(dataset!.file, 'utf8')).toBe(content);
});

test('tokens are shown as training labels them; lengths say what is cut', async ({ graft: page }) => {
  await addStarterModel(page);
  await addSample(page, 'describe');
  const tokens = await openTab(page, 'Tokens');
  const list = tokens.getByRole('listbox', { name: 'Tokens' });
  await expect(list.getByRole('option').first()).toBeVisible();
  const [dataset] = await ask<Stored[]>(page, 'datasets.list');
  const [model] = await ask<{ id: string }[]>(page, 'models.list');
  const { rows } = await ask<{ rows: { tokens: { id: number; loss: boolean; truncated: boolean; kind: string }[] }[] }>(
    page,
    'datasets.preview',
    { id: dataset!.id, modelId: model!.id, maxLength: 256, lossOn: 'completion' },
  );
  const told = rows[0]!.tokens;
  const drawn = () =>
    list.getByRole('option').evaluateAll((options) =>
      options.map((option) => ({
        id: Number((option as HTMLElement).dataset['token']),
        loss: option.classList.contains('loss'),
        truncated: option.classList.contains('cut'),
      })),
    );
  await expect.poll(drawn).toEqual(told.map(({ id, loss, truncated }) => ({ id, loss, truncated })));
  expect(told.some(({ loss }) => loss) && told.some(({ loss, kind }) => !loss && kind === 'prompt')).toBe(true);

  await list.focus();
  await page.keyboard.press('End');
  await expect(tokens).toContainText(`Token ${told.length}: id ${told.at(-1)!.id}`);
  await tokens.getByRole('radio', { name: 'All tokens' }).click();
  await expect.poll(async () => (await drawn()).filter(({ loss }) => loss).length).toBe(told.length - 1);
  await tokens.getByRole('slider', { name: 'Max length' }).focus();
  await page.keyboard.press('Home');
  await expect.poll(async () => (await drawn()).filter(({ truncated }) => truncated).length).toBe(told.length - 8);
  const lengths = tokens.getByRole('region', { name: 'Lengths of the rows' });
  await expect(lengths).toContainText(/400\s+rows \(100 %\) are cut at 8 tokens/);
  await expect(lengths.getByRole('img', { name: /Histogram/ }).locator('svg')).toBeVisible();
  await expectAccessible(page);
  await keepScreenshot(page, 'datasets-tokens');
});

test('edited rows become a version; a run names exactly that one', async ({ graft: page, home }) => {
  await addStarterModel(page);
  const rows = Array.from({ length: 24 }, (_, i) => ({
    prompt: `One day, ${['Lily', 'Tom'][i % 2]} saw number ${i}`,
    completion: ` and a ${['red', 'big'][i % 2]} dog.`,
  }));
  const file = write(path.join(home, 'edit.jsonl'), [...rows, rows[0]!]);
  const before = fs.readFileSync(file);
  await check(page, file);
  await page.getByRole('button', { name: 'Add dataset' }).click();

  const panel = await openTab(page, 'Rows');
  await panel.getByRole('button', { name: 'Edit row 3', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Row 3' });
  await dialog.getByLabel('completion').fill('');
  await dialog.getByRole('button', { name: 'Keep row' }).click();
  await expect(dialog.getByRole('alert')).toContainText('"completion" is empty');
  await dialog.getByLabel('completion').fill(' and a tiny cat.');
  await dialog.getByRole('button', { name: /^Keep/ }).click();
  await panel.getByRole('checkbox', { name: 'Select row 5', exact: true }).check();
  await panel.getByRole('checkbox', { name: 'Select row 6', exact: true }).check();
  await panel.getByRole('button', { name: 'Delete selected' }).click();
  await panel.getByRole('button', { name: 'Delete row 7', exact: true }).click();
  await panel.getByRole('button', { name: 'Undo' }).click();
  await expect(panel).toContainText('1 edited, 2 deleted');
  await page.reload();
  await expect(panel).toContainText('Not saved yet: 1 edited, 2 deleted');
  await panel.getByRole('button', { name: 'Bring row 6 back' }).click();
  await panel.getByRole('button', { name: 'Edit row 3', exact: true }).click();
  await expect(dialog.getByLabel('completion')).toHaveValue(' and a tiny cat.');
  await page.keyboard.press('Escape');
  await panel.getByRole('button', { name: 'Delete row 6', exact: true }).click();
  await keepScreenshot(page, 'datasets-rows');
  await expectAccessible(page);
  await panel.getByRole('button', { name: 'Save as version 2' }).click();
  await expect(panel).toContainText('23 rows');
  await page.reload();
  await expect(panel).toContainText('23 rows');
  await expect(panel).not.toContainText('Not saved yet');
  expect(fs.readFileSync(file)).toEqual(before);

  const checks = await openTab(page, 'Checks');
  await expect(checks.getByRole('region', { name: 'Duplicates' })).toContainText(
    '1 of 23 rows (4.3 %) repeat an earlier one, in 1 group',
  );
  await checks.getByRole('button', { name: 'Leave out duplicates' }).click();
  await expect(checks.getByRole('region', { name: 'Duplicates' })).toContainText('No row says what another one says.');
  const versions = await openTab(page, 'Versions');
  await expect(versions.getByRole('row')).toHaveCount(4);
  await versions.getByRole('button', { name: 'Restore version 2' }).click();
  await expect(versions.getByRole('row', { name: /^2 / })).toContainText('current');
  await keepScreenshot(page, 'datasets-versions');

  const [dataset] = await ask<Stored[]>(page, 'datasets.list');
  expect(dataset).toMatchObject({ version: 2, rows: 23 });
  const [model] = await ask<{ id: string }[]>(page, 'models.list');
  const request = {
    modelId: model!.id,
    taskName: 'edited',
    engine: 'tensorflow',
    method: { type: 'lora', rank: 2 },
    train: { steps: 1, batch: 1, val: 0 },
  };
  const { id } = await change<{ id: string }>(page, 'runs.start', { ...request, datasetId: dataset!.id });
  await expect
    .poll(async () => (await ask<{ status: string }>(page, 'runs.get', { id })).status, { timeout: 90_000 })
    .toBe('completed');
  const { spec } = await ask<{ spec: { data: { file: string; hash: string } } }>(page, 'runs.get', { id });
  expect(spec.data).toMatchObject({ file: dataset!.file, hash: dataset!.hash });
  expect(fs.readFileSync(spec.data.file, 'utf8').split('\n')[2]).toContain('a tiny cat');

  fs.appendFileSync(file, `\n${JSON.stringify({ prompt: 'new', completion: ' row' })}`);
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('has changed on disk since it was added');
  await page.getByRole('button', { name: 'Take the changed file as a new version' }).click();
  await expect(page.getByText('Version 4 with 26 rows is the current one now.')).toBeVisible();
  await page.getByRole('button', { name: 'More for edit.jsonl' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await expect(page.getByText('edit.jsonl was removed')).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('link', { name: 'edit.jsonl' })).toBeVisible();
});

test('a table of 5,000 rows scrolls to its end, filters, and keeps few rows in the page', async ({
  graft: page,
  home,
}) => {
  const file = write(
    path.join(home, 'many.jsonl'),
    Array.from({ length: 5000 }, (_, i) => ({ prompt: `question ${i}`, completion: ` answer ${i}` })),
  );
  const { id } = await change<Stored>(page, 'datasets.add', { file });
  await page.goto(`${new URL(page.url()).origin}/#/datasets/${id}?tab=rows`);
  const scroller = page.getByTestId('rows-scroller');
  await expect(scroller.getByText('question 0', { exact: true })).toBeVisible();
  await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await expect(scroller.getByText('question 4999', { exact: true })).toBeVisible();
  expect(await scroller.getByRole('row').count()).toBeLessThan(80);
  await page.getByLabel('Filter rows').fill('answer 4321');
  await expect(scroller.getByText('question 4321', { exact: true })).toBeVisible();
  await expect(page.getByText('1 row matches')).toBeVisible();
});
