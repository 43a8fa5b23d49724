/** From ten blind votes to the next adapter: a set of pairs, DPO from the present one, margin, switch, comparison. */
import type { Page } from '@playwright/test';
import type { RunView } from '../src-main/api/types.ts';
import { expectAccessible } from './axe.ts';
import { ask, change, expect, goTo, keepScreenshot, openStep, startRun, test } from './fixtures.ts';
import { addParts, openHash, train } from './realRuns.ts';

const VOTES = 10;
const LIMIT_MS = 90_000;

/** Votes for the answer that is the longer one, whichever side it stands on. */
async function vote(page: Page, place: number): Promise<void> {
  const choice = page.getByRole('region', { name: 'Choice', exact: true });
  await expect(choice.getByRole('status')).toHaveText(`${place} of ${VOTES}, ${VOTES - place} left`, {
    timeout: LIMIT_MS,
  });
  const [left, right] = await choice.getByTestId('answer').allInnerTexts();
  // Nothing tells who has written which.
  expect(await choice.innerText()).not.toMatch(/describe|Plain base/);
  await page.keyboard.press(left!.length >= right!.length ? '1' : '2');
}

test('ten blind votes become DPO from the present adapter, which is switched to and compared', async ({
  graft: page,
}) => {
  test.setTimeout(300_000);
  const parts = await addParts(page);
  const first = await train(page, parts, { name: 'first', train: { steps: 20, batch: 8 } });
  const adapters = () => ask<{ id: string; dir: string; name: string }[]>(page, 'adapters.list', {});
  const [present] = await adapters();

  await test.step('votes, blind', async () => {
    await openHash(page, `#/playground?collect=${parts.datasetId}`);
    const who = page.getByRole('combobox', { name: 'Who answers' });
    await who.selectOption((await who.getByRole('option', { name: /first/ }).first().getAttribute('value'))!);
    await page.getByLabel('Prompts', { exact: true }).fill(String(VOTES));
    await page.getByLabel('Max new tokens', { exact: true }).fill('12');
    await page.getByRole('slider', { name: 'Temperature' }).focus();
    await page.keyboard.press('End');
    await page.getByRole('button', { name: 'Start' }).click();
    for (let place = 1; place <= VOTES; place++) await vote(page, place);
    await expect(page.getByText(`${VOTES} choices kept here.`)).toBeVisible();
  });

  await test.step('a set of them, and DPO on it from the adapter that is there', async () => {
    const card = page.getByRole('region', { name: 'Choices for a dataset' });
    await card.getByRole('button', { name: 'Make a dataset of them' }).click();
    await card.getByRole('link', { name: 'Playground choices, version 1' }).click();
    await page.getByRole('link', { name: 'Train with it' }).click();
    await expect(page.getByRole('radio', { name: 'DPO', exact: true })).toBeChecked();
    await openStep(page, 'Method & targets');
    const begins = page.getByLabel('Begins with', { exact: true });
    await begins.selectOption((await begins.getByRole('option', { name: /^first/ }).getAttribute('value'))!);
    await startRun(page, { Steps: 12, 'Batch size': 4, 'Learning rate': 0.002, 'Evaluate every': 4 });
    await expect(page.getByText('Training is complete')).toBeVisible({ timeout: LIMIT_MS });
    const run = await ask<RunView>(page, 'runs.get', { id: page.url().split('/').at(-1)! });
    expect(run.spec.startsFrom!.dir).toBe(first.spec.outDir);
    expect(run.spec.objective!.type).toBe('dpo');
  });

  await test.step('its margin and what it came to', async () => {
    await expect(page.getByText(/with a margin of -?\d/)).toBeVisible();
    const choices = page.getByRole('region', { name: 'Choices' });
    await expect(choices.getByRole('slider', { name: 'Margin: cursor' })).toHaveAttribute('aria-valuetext', /^step 12/);
    await expectAccessible(page);
    await keepScreenshot(page, 'votes-run');
  });

  const all = await adapters();
  const next = all.find(({ id }) => id !== present!.id)!;
  await test.step('switched to on the board', async () => {
    await change(page, 'playground.load', { modelId: parts.modelId });
    await goTo(page, 'Home');
    const card = page.getByRole('article').filter({ hasText: next.name });
    await card.getByRole('button', { name: new RegExp(`^${next.name}`) }).click();
    await expect(card.getByText(/^Switched in [\d.]+ ms\.$/)).toBeVisible();
    await expect(card.getByRole('button', { name: new RegExp(`^${next.name}`) })).toHaveAttribute(
      'aria-pressed',
      'true',
    );
  });

  await test.step('both measured by the same questions', async () => {
    const suite = await change<{ id: string }>(page, 'suites.add', {
      name: 'Described',
      dataset: { datasetId: parts.datasetId },
      rows: { kind: 'sample', count: 12 },
      metrics: ['chrf', 'rougeL'],
      generation: { maxNew: 30 },
    });
    await openHash(page, `#/evaluate/${suite.id}`);
    const measure = page.getByRole('region', { name: 'Measure' });
    await expect(measure.getByRole('checkbox')).toHaveCount(3);
    for (const box of await measure.getByRole('checkbox').all()) await box.check();
    await measure.getByLabel('The plain base').uncheck();
    await measure.getByRole('button', { name: 'Measure 2 subjects' }).click();
    const comparison = page.getByRole('region', { name: 'Comparison' });
    await expect(comparison.getByRole('row', { name: /^chrF/ })).toContainText(/\d+ won, \d+ tied, \d+ lost/, {
      timeout: LIMIT_MS,
    });
    await expectAccessible(page);
    await keepScreenshot(page, 'votes-compared');
  });
});
