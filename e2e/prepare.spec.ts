/** Prepare: a German spreadsheet becomes rows worth training on, step by step, and its recipe goes to another file. */
import fs from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from './axe.ts';
import { addSample, addStarterModel, ask, expect, goTo, keepScreenshot, test } from './fixtures.ts';

interface Stored {
  id: string;
  file: string;
  version: number;
  rows: number;
}

/** As a German Excel saves it: semicolons and latin-1. */
const TICKETS = [
  'Frage;Antwort;Art',
  ' Wo ist meine Größe? ;In Regal drei.;Frage',
  'Ich möchte mein Geld zurück, rufen Sie 030 901820 an.;' +
    'Gern, wir überweisen auf DE89 3704 0044 0532 0130 00.;Rückerstattung',
  'Bitte senden Sie mir die Rechnung für meine letzte Bestellung;Kommt per Post.;Frage',
  'Bitte senden Sie mir die Rechnung für meine letzte Bestellung!;Kommt per Post.;Frage',
  'Öffnungszeiten?;Von neun bis fünf.;Werbung',
];

async function add(page: Page, file: string, columns: Record<string, string>): Promise<void> {
  await goTo(page, 'Datasets');
  await page.getByLabel('File', { exact: true }).fill(file);
  await page.getByRole('button', { name: 'Check file' }).click();
  for (const [field, column] of Object.entries(columns))
    await page.getByLabel(`Column for ${field}`).selectOption(column);
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await expect(page.getByRole('link', { name: 'Train with it' })).toBeVisible();
  await page.getByRole('tab', { name: 'Prepare' }).click();
}

const step = (page: Page, name: string): Locator => page.getByRole('region', { name, exact: true });

async function switchOn(page: Page, name: string): Promise<Locator> {
  const card = step(page, name);
  await card.getByRole('switch', { name, exact: true }).click();
  return card;
}

const linesOf = (file: string): unknown[] =>
  fs
    .readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

test('steps are tried at once, a version is made, and its recipe serves another file', async ({
  graft: page,
  home,
}) => {
  const file = path.join(home, 'tickets.csv');
  fs.writeFileSync(file, Buffer.from(TICKETS.join('\r\n'), 'latin1'));
  await add(page, file, { prompt: 'Frage', completion: 'Antwort' });

  const result = step(page, 'Result');
  await expect(result).toContainText('5 rows of 5');
  await expect(result).toContainText('1 row with personal data');
  await expect(result.getByRole('button', { name: 'Make a new version' })).toBeDisabled();
  await result.getByRole('button', { name: 'Mask personal data' }).click();
  const mask = step(page, 'Mask personal data');
  await expect(mask).toContainText('1 changed');
  await expect(mask.getByText('030 901820', { exact: true })).toBeVisible();

  await expect(await switchOn(page, 'Trim white space')).toContainText('1 changed');
  const values = await switchOn(page, 'Replace values');
  await values.getByLabel('Column whose values are replaced').selectOption('Art');
  await expect(values.getByRole('row', { name: /^Frage 3/ })).toBeVisible();
  await values.getByLabel('New value for Rückerstattung').fill('refund');
  await expect(values).toContainText('1 changed');
  const filter = await switchOn(page, 'Filter rows');
  await filter.getByRole('button', { name: 'Add a condition' }).click();
  const condition = filter.getByRole('group', { name: 'Condition 1' });
  await condition.getByLabel('Column').selectOption('Art');
  await condition.getByLabel('Condition', { exact: true }).selectOption('Is not');
  await condition.getByLabel('Value').fill('Werbung');
  await expect(filter).toContainText('1 left out');
  const near = await switchOn(page, 'Leave out near-duplicates');
  await expect(near).toContainText('1 left out');
  await expect(result).toContainText('3 rows of 5');

  const rows = step(page, 'First rows before and after');
  await expect(rows.getByRole('cell', { name: 'Wo ist meine Größe?', exact: true })).toHaveCount(2);
  await expect(rows.getByRole('cell', { name: /wir überweisen auf \[IBAN\]/ })).toBeVisible();
  await expect(rows.getByRole('cell', { name: 'By the step “Leave out near-duplicates”' })).toBeVisible();
  await expectAccessible(page);
  await keepScreenshot(page, 'datasets-prepare');

  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save recipe' }).click(),
  ]);
  const recipe = await saved.path();
  await result.getByRole('button', { name: 'Make a new version' }).click();
  const versions = page.getByRole('region', { name: 'Versions' });
  await expect(versions).toContainText('Prepared by a recipe: 3 of 5 rows, from version 1');
  await versions.getByText('5 steps').click();
  const did = versions.getByRole('table', { name: 'What the steps of version 2 did' });
  await expect(did.getByRole('row', { name: 'Filter rows 5 0 1 0' })).toBeVisible();
  await keepScreenshot(page, 'datasets-prepared');
  const [dataset] = await ask<Stored[]>(page, 'datasets.list');
  expect(dataset).toMatchObject({ version: 2, rows: 3 });
  expect(linesOf(dataset!.file)).toEqual([
    { Frage: 'Wo ist meine Größe?', Antwort: 'In Regal drei.', Art: 'Frage' },
    {
      Frage: 'Ich möchte mein Geld zurück, rufen Sie [PHONE] an.',
      Antwort: 'Gern, wir überweisen auf [IBAN].',
      Art: 'refund',
    },
    {
      Frage: 'Bitte senden Sie mir die Rechnung für meine letzte Bestellung',
      Antwort: 'Kommt per Post.',
      Art: 'Frage',
    },
  ]);
  expect(fs.readFileSync(file, 'latin1')).toBe(TICKETS.join('\r\n'));

  const other = path.join(home, 'other.csv');
  fs.writeFileSync(other, 'Frage;Antwort;Art\nWer?; Ich. ;Werbung\nWas?;Das.;Rückerstattung\n');
  await add(page, other, { prompt: 'Frage', completion: 'Antwort' });
  await page.getByLabel('Recipe file').setInputFiles(recipe);
  await expect(step(page, 'Filter rows').getByRole('switch', { name: 'Filter rows' })).toBeChecked();
  await expect(step(page, 'Result')).toContainText('1 row of 2');
  await expect(step(page, 'First rows before and after').getByRole('cell', { name: 'refund' })).toBeVisible();
});

test('a wrong pattern is said, classes are balanced, and the work can be called off', async ({ graft: page, home }) => {
  const file = path.join(home, 'classes.jsonl');
  const line = (n: number): string =>
    JSON.stringify({ prompt: `Frage ${n} ${'über Äpfel und Birnen '.repeat(20)}`, completion: n % 10 ? 'ja' : 'nein' });
  fs.writeFileSync(file, Array.from({ length: 30_000 }, (_, n) => line(n)).join('\n'));
  await goTo(page, 'Datasets');
  await page.getByLabel('File', { exact: true }).fill(file);
  await page.getByRole('button', { name: 'Check file' }).click();
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await page.getByRole('tab', { name: 'Prepare' }).click();
  const result = step(page, 'Result');
  await expect(result).toContainText('Tried on 10,000 of 30,000 rows from all over the file.');

  const filter = await switchOn(page, 'Filter rows');
  await filter.getByRole('button', { name: 'Add a condition' }).click();
  await filter.getByLabel('Condition', { exact: true }).selectOption('Matches the pattern');
  await filter.getByLabel('Value').fill('(a');
  await expect(result.getByRole('alert')).toContainText('The pattern "(a" cannot be used');
  await expect(result.getByRole('button', { name: 'Make a new version' })).toBeDisabled();
  await filter.getByLabel('Value').fill('^Frage (\\d+)+ über');
  await expect(result.getByRole('alert')).toHaveCount(0);

  const balance = await switchOn(page, 'Balance the values of a column');
  await balance.getByLabel('Balanced column').selectOption('completion');
  const bars = balance.getByRole('table', { name: 'Rows of each value in this version' });
  await expect(bars.getByRole('row', { name: 'ja 27,000' })).toBeVisible();
  await expect(bars.getByRole('row', { name: 'nein 3,000' })).toBeVisible();
  await balance.getByLabel('Rows of each value at most').fill('500');
  await expect(result).toContainText('1,000 rows of 10,000');
  await expectAccessible(page);
  await keepScreenshot(page, 'datasets-balance');

  await switchOn(page, 'Leave out near-duplicates');
  await result.getByRole('button', { name: 'Make a new version' }).click();
  await result.getByRole('button', { name: 'Cancel' }).click();
  await expect(result.getByRole('button', { name: 'Make a new version' })).toBeVisible();
  const [dataset] = await ask<Stored[]>(page, 'datasets.list');
  expect(dataset).toMatchObject({ version: 1, rows: 30_000 });
  const own = path.join(home, 'datasets', dataset!.id);
  await expect.poll(() => (fs.existsSync(own) ? fs.readdirSync(own) : [])).toEqual([]);
});

test('unusual rows are measured, looked at and left out', async ({ graft: page }) => {
  test.setTimeout(180_000);
  await addStarterModel(page);
  await addSample(page, 'describe');
  await page.getByRole('tab', { name: 'Prepare' }).click();
  const unusual = step(page, 'Unusual rows');
  await unusual.getByLabel('Rows, chosen at random').fill('12');
  await unusual.getByRole('button', { name: 'Measure losses' }).click();
  await expect(unusual).toContainText('12 rows measured', { timeout: 120_000 });
  const losses = await unusual.locator('tbody td:nth-child(3)').allInnerTexts();
  expect(losses).toHaveLength(12);
  const numbers = losses.map(Number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
  await unusual.getByRole('checkbox').first().check();
  await expectAccessible(page);
  await keepScreenshot(page, 'datasets-unusual');
  await unusual.getByRole('button', { name: 'Leave out the chosen rows' }).click();
  await expect(step(page, 'Leave out single rows')).toContainText('1 left out');
  await expect(unusual.getByRole('checkbox').first()).toBeDisabled();
});
