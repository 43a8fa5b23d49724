/** Learning from choices: from a file of pairs through the wizard to the graphs, and from votes to a dataset. */
import fs from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import type { RunView } from '../src-main/api/types.ts';
import { expectAccessible } from './axe.ts';
import { addStarterModel, ask, expect, goTo, keepScreenshot, openStep, startRun, test } from './fixtures.ts';
import { addParts, openHash, train } from './realRuns.ts';
import { REPO } from './host.ts';

const RUN_LIMIT_MS = 120_000;

interface Answer {
  prompt: string;
  completion: string;
}

const ANSWERS = fs
  .readFileSync(path.join(REPO, 'resources', 'starter', 'data', 'describe.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .slice(0, 120)
  .map((line) => JSON.parse(line) as Answer);
const reversed = (text: string): string => text.trim().split(' ').reverse().join(' ');

function write(file: string, rows: readonly object[]): string {
  fs.writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

async function addFile(page: Page, file: string): Promise<void> {
  await goTo(page, 'Datasets');
  await page.getByLabel('File', { exact: true }).fill(file);
  await page.getByRole('button', { name: 'Check file' }).click();
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await expect(page.getByRole('link', { name: 'Train with it' })).toBeVisible();
}

function runOf(page: Page): Promise<RunView> {
  return ask<RunView>(page, 'runs.get', { id: page.url().split('/').at(-1) });
}

test('from pairs through the wizard with DPO to its graphs, and the same settings again', async ({
  graft: page,
  home,
}) => {
  test.setTimeout(240_000);
  await addStarterModel(page);
  const pairs = ANSWERS.map(({ prompt, completion }) => ({
    prompt,
    chosen: completion,
    rejected: `\n${reversed(completion)}`,
  }));
  await addFile(page, write(path.join(home, 'pairs.jsonl'), pairs));

  await test.step('the page of the dataset shows both answers, as text, as tokens and by their lengths', async () => {
    const [first] = pairs;
    const preview = page.getByRole('region', { name: 'Preview' });
    await expect(preview.getByRole('columnheader')).toHaveText(['Line', 'Prompt', 'Chosen', 'Rejected']);
    const cells = preview.getByRole('row').nth(1).getByRole('cell');
    await expect(cells.nth(2)).toContainText(first!.chosen.trim());
    await expect(cells.nth(3)).toContainText(first!.rejected.trim());
    await expectAccessible(page);
    await page.getByRole('tab', { name: 'Tokens' }).click();
    for (const [side, text] of [
      ['With the chosen answer', first!.chosen],
      ['With the rejected answer', first!.rejected],
    ] as const) {
      const tokens = page.getByRole('listbox', { name: side });
      await expect(tokens.locator('.loss').last()).toBeVisible();
      const learnt = (await tokens.locator('.loss').allTextContents()).join('');
      expect(learnt.replaceAll('↵', '').trim()).toBe(`${text.trim()}</s>`);
    }
    await expectAccessible(page);
    await keepScreenshot(page, 'preference-tokens');
    await page.getByRole('tab', { name: 'Checks' }).click();
    const lengths = page.getByRole('region', { name: 'Length of the answers' });
    // Reversed words are as long as they were.
    await expect(lengths).toContainText('In 0 % of the pairs the chosen answer is the longer one');
    await expectAccessible(page);
    await keepScreenshot(page, 'preference-checks');
    await page.getByRole('tab', { name: 'Rows' }).click();
    await page.getByRole('button', { name: 'Edit row 1', exact: true }).click();
    await expect(page.getByRole('dialog').getByLabel('rejected')).toHaveValue(first!.rejected);
    await keepScreenshot(page, 'preference-row');
    await page.getByRole('button', { name: 'Cancel' }).click();
  });

  await page.getByRole('link', { name: 'Train with it' }).click();
  const learns = page.getByRole('region', { name: 'What it learns' });

  await test.step('pairs are learnt by DPO unless another objective is chosen', async () => {
    await expect(learns.getByRole('radio', { name: 'DPO', exact: true })).toBeChecked();
    await expect(learns.getByRole('radio')).toHaveCount(4);
    await expect(learns).toContainText('Answers as they stand cannot be learnt from pairs');
    await expect(page.getByText('Fits this machine')).toBeVisible({ timeout: 60_000 });
    await learns.getByRole('radio', { name: 'SimPO' }).check();
    await expect(learns.getByLabel('Beta', { exact: true })).toHaveValue('2');
    await learns.getByRole('radio', { name: 'DPO', exact: true }).check();
    await learns.getByLabel('Beta', { exact: true }).fill('0');
    await expect(learns.getByRole('alert')).toHaveText('Beta must be a number above 0.');
    await learns.getByLabel('Beta', { exact: true }).fill('0.2');
    // While the panel waits for its answer it is pale.
    await expect(page.locator('aside [aria-busy=false]')).toBeVisible();
    await expectAccessible(page);
    await keepScreenshot(page, 'preference-wizard');
  });

  await test.step('a reload keeps it; review and command line name it', async () => {
    await page.reload();
    await expect(learns.getByLabel('Beta', { exact: true })).toHaveValue('0.2');
    await openStep(page, 'Review');
    await expect(page.getByRole('region', { name: 'Summary' })).toContainText('DPO, Beta 0.2');
    await expect(page.getByTestId('command-line')).toContainText('--objective dpo --beta 0.2');
    await keepScreenshot(page, 'preference-review');
  });

  await startRun(page, {
    'Maximum length': 96,
    Steps: 12,
    'Batch size': 4,
    'Learning rate': 0.003,
    'Evaluate every': 4,
  });
  await expect(page.getByText('Training is complete')).toBeVisible({ timeout: RUN_LIMIT_MS });
  const run = await runOf(page);
  expect(run.spec.objective).toEqual({ type: 'dpo', beta: 0.2, loss: 'sigmoid', labelSmoothing: 0 });

  await test.step('graphs show what was recorded, also after a reload', async () => {
    interface Scored {
      step: number;
      preference: Record<'chosenReward' | 'rejectedReward' | 'margin' | 'accuracy', number>;
    }
    const { steps } = await ask<{ steps: Scored[] }>(page, 'runs.metrics', { id: run.id });
    const last = steps.at(-1)!;
    expect(last.preference.margin).toBeCloseTo(last.preference.chosenReward - last.preference.rejectedReward, 9);
    expect(last.preference.margin).toBeGreaterThan(0);
    // So short a run is drawn as it was measured.
    await expect(page.getByRole('slider', { name: 'Smoothing' })).toHaveAttribute('aria-valuenow', '0');
    const choices = page.getByRole('region', { name: 'Choices' });
    for (const moment of ['live', 'reloaded']) {
      if (moment === 'reloaded') await page.reload();
      const spoken = (name: string) => choices.getByRole('slider', { name: `${name}: cursor` });
      const small = (value: number) => String(Number(value.toPrecision(4)));
      await expect(spoken('Margin')).toHaveAttribute(
        'aria-valuetext',
        new RegExp(`^step 12, Train ${small(last.preference.margin)}, Validation \\d`),
      );
      await expect(spoken('Rewards')).toHaveAttribute(
        'aria-valuetext',
        new RegExp(
          `Chosen ${small(last.preference.chosenReward)}, .*Rejected ${small(last.preference.rejectedReward)}`,
        ),
      );
      await expect(choices.getByRole('figure')).toHaveCount(3);
    }
    await expect(page.getByRole('region', { name: 'Settings' })).toContainText('DPO, Beta 0.2');
    await expectAccessible(page);
    await keepScreenshot(page, 'preference-run');
  });

  await test.step('both answers of the rows of a step', async () => {
    const slider = page.getByRole('slider', { name: 'Loss by step: cursor' });
    await slider.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Rows of step 12' });
    await expect(dialog.getByRole('row')).toHaveCount(5, { timeout: 60_000 });
    await expect(dialog.getByRole('columnheader', { name: 'Rejected' })).toBeVisible();
    const [, first] = await dialog.getByRole('row').all();
    const [, , prompt, chosen, rejected] = await first!.getByRole('cell').allInnerTexts();
    const pair = ANSWERS.find((answer) => answer.prompt.trim() === prompt!.trim() || prompt!.includes(answer.prompt));
    expect(chosen).toContain(pair!.completion.trim());
    expect(rejected).toContain(reversed(pair!.completion));
    await keepScreenshot(page, 'preference-step');
    await dialog.getByRole('button', { name: 'Close' }).first().click();
  });

  await test.step('another run begins with its adapter, and its settings again say so', async () => {
    await openHash(page, '#/new-run');
    await openStep(page, 'Method & targets');
    const begins = page.getByLabel('Begins with', { exact: true });
    await begins.selectOption((await begins.getByRole('option', { name: /^pairs, LoRA/ }).getAttribute('value'))!);
    await expect(page.getByRole('group', { name: 'Method' })).toBeHidden();
    await keepScreenshot(page, 'preference-start');
    await startRun(page, { Steps: 2, 'Batch size': 2, 'Evaluate every': 2 });
    await expect(page.getByText('Training is complete')).toBeVisible({ timeout: RUN_LIMIT_MS });
    const next = await runOf(page);
    expect(next.spec.startsFrom!.dir).toBe(run.spec.outDir);
    expect(next.spec.method).toEqual(run.spec.method);
    await openHash(page, `#/new-run?from=${next.id}`);
    await expect(page.getByRole('region', { name: 'Summary' })).toContainText('Begins with');
    await expect(page.getByTestId('command-line')).toContainText(`--from ${path.basename(run.spec.outDir)}`);
  });

  await test.step('the same settings again', async () => {
    await openHash(page, `#/new-run?from=${run.id}`);
    // The settings of the run before are shown until these are there.
    await expect(page.getByTestId('command-line')).not.toContainText('--from');
    await openStep(page, 'Data');
    await expect(learns.getByRole('radio', { name: 'DPO', exact: true })).toBeChecked();
    await expect(learns.getByLabel('Beta', { exact: true })).toHaveValue('0.2');
  });
});

test('marked answers are for KTO or as they stand, unmarked ones as they stand', async ({ graft: page, home }) => {
  await addStarterModel(page);
  const marked = ANSWERS.map(({ prompt, completion }, i) => ({
    prompt,
    completion: i % 2 === 0 ? completion : `\n${reversed(completion)}`,
    label: i % 2 === 0,
  }));
  await addFile(page, write(path.join(home, 'marked.jsonl'), marked));
  await page.getByRole('link', { name: 'Train with it' }).click();
  const learns = page.getByRole('region', { name: 'What it learns' });
  await expect(learns.getByRole('radio', { name: 'KTO' })).toBeChecked();
  await expect(learns.getByRole('radio')).toHaveCount(2);
  await expect(page.getByText('Fits this machine')).toBeVisible({ timeout: 60_000 });
  await keepScreenshot(page, 'preference-wizard-kto');
  await addFile(page, write(path.join(home, 'plain.jsonl'), ANSWERS));
  await page.getByRole('link', { name: 'Train with it' }).click();
  await expect(learns).toContainText('The answers as they stand.');
  await expect(learns.getByRole('radio')).toHaveCount(0);
  await expectAccessible(page);
});

test('votes, an edited answer and thumbs become datasets, and later ones their next version', async ({
  graft: page,
}) => {
  test.setTimeout(240_000);
  const parts = await addParts(page);
  await train(page, parts, { train: { batch: 4, lr: 0.02, val: 0 } });
  const [first, second] = [ANSWERS[0]!.prompt, ANSWERS[1]!.prompt];
  const output = page.getByRole('region', { name: 'Output' });
  const card = page.getByRole('region', { name: 'Choices for a dataset' });
  const rowsOf = async (name: string) => {
    const dataset = (await ask<{ name: string; file: string; version: number }[]>(page, 'datasets.list')).find(
      (one) => one.name === name,
    )!;
    const lines = fs.readFileSync(dataset.file, 'utf8').trim().split('\n');
    return { version: dataset.version, rows: lines.map((line) => JSON.parse(line) as object) };
  };
  await openHash(page, `#/playground?model=${parts.modelId}`);
  await page.getByLabel('Max new tokens').fill('12');

  const [best, other] = await test.step('a blind vote is a pair', async () => {
    await page.getByRole('switch', { name: 'Compare side by side' }).click();
    await page.getByRole('switch', { name: 'Blind' }).click();
    await page.getByLabel('Prompt').fill(first);
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await expect(page.getByRole('button', { name: 'A is best' })).toBeEnabled({ timeout: 60_000 });
    // The page puts a space behind the last token.
    const texts = (await output.getByTestId('generated').allTextContents()).map((text) => text.trimEnd());
    await expect(output.getByRole('button', { name: 'Edit the answer' })).toHaveCount(0);
    await page.getByRole('button', { name: 'A is best' }).click();
    await expect(card).toContainText('1 pair of answers');
    await keepScreenshot(page, 'preference-votes');
    return texts;
  });

  const edited = 'What it should have said.';
  const original = await test.step('an edited answer is another', async () => {
    await page.getByRole('switch', { name: 'Compare side by side' }).click();
    await page.getByLabel('Prompt').fill(second);
    await page.getByRole('button', { name: 'Generate', exact: true }).click();
    await expect(output.getByText(/tokens\/s;/)).toBeVisible({ timeout: 60_000 });
    const text = (await output.getByTestId('generated').textContent())!.trimEnd();
    await page.getByRole('button', { name: 'Bad answer' }).click();
    await expect(page.getByRole('button', { name: 'Bad answer' })).toHaveAttribute('aria-pressed', 'true');
    await page.getByRole('button', { name: 'Edit the answer' }).click();
    const dialog = page.getByRole('dialog', { name: 'Edit the answer' });
    await dialog.getByRole('button', { name: 'Keep the choice' }).click();
    await expect(dialog.getByRole('alert')).toContainText('The answer is as it was');
    await expectAccessible(page);
    await dialog.getByLabel('What it should have been').fill(edited);
    await keepScreenshot(page, 'preference-edit');
    await dialog.getByRole('button', { name: 'Keep the choice' }).click();
    await expect(dialog).toBeHidden();
    await expect(output.getByTestId('generated')).toHaveText(edited);
    await page.getByRole('button', { name: 'Good answer' }).click();
    await expect(card).toContainText('2 pairs of answers');
    await expect(card).toContainText('1 up, 1 down');
    await expectAccessible(page);
    await keepScreenshot(page, 'preference-choices');
    return text;
  });

  await test.step('in one click each a dataset', async () => {
    for (const button of await card.getByRole('button', { name: 'Make a dataset of them' }).all()) await button.click();
    const made = card.getByRole('link', { name: /^Playground/ });
    await expect(made).toHaveText(['Playground choices, version 1', 'Playground thumbs, version 1']);
    expect(await rowsOf('Playground choices')).toEqual({
      version: 1,
      rows: [
        { prompt: first, chosen: best, rejected: other },
        { prompt: second, chosen: edited, rejected: original },
      ],
    });
    expect((await rowsOf('Playground thumbs')).rows).toEqual([
      { prompt: second, completion: original, label: false },
      { prompt: second, completion: edited, label: true },
    ]);
  });

  await test.step('a later choice makes the next version, which a run can take', async () => {
    await page.getByLabel('Prompt').fill(ANSWERS[2]!.prompt);
    await page.getByRole('button', { name: 'Generate', exact: true }).click();
    await expect(output.getByText(/tokens\/s;/)).toBeVisible({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Edit the answer' }).click();
    await page.getByLabel('What it should have been').fill(edited);
    await page.getByRole('button', { name: 'Keep the choice' }).click();
    await card.getByRole('button', { name: 'Make a new version of them' }).first().click();
    const made = card.getByRole('link', { name: 'Playground choices, version 2' });
    await made.click();
    await page.getByRole('link', { name: 'Train with it' }).click();
    const learns = page.getByRole('region', { name: 'What it learns' });
    await expect(learns.getByRole('radio', { name: 'DPO', exact: true })).toBeChecked();
    await expect(page.getByText('Fits this machine')).toBeVisible({ timeout: 60_000 });
  });
});
