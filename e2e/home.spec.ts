/** The start page: the sample in one click, then the board of tasks with switching, and live progress. */
import type { RunView } from '../src-main/api/types.ts';
import { expectAccessible } from './axe.ts';
import { ask, change, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { addParts, haltAfter, queueRun, train } from './realRuns.ts';

const RUN_LIMIT_MS = 120_000;

test('one click on an empty start page trains the sample', async ({ graft: page }) => {
  test.setTimeout(200_000);
  await expectAccessible(page);
  await keepScreenshot(page, 'home-empty');
  await page.getByRole('button', { name: 'Try it with the sample' }).click();
  await expect(page).toHaveURL(/#\/runs\/run-/);
  const [run] = await ask<RunView[]>(page, 'runs.list');
  expect(run).toMatchObject({ name: 'describe', spec: { task: 'describe' } });
  await goTo(page, 'Home');
  await expect(
    page.getByRole('region', { name: 'Running and queued' }).getByRole('link', { name: 'describe' }),
  ).toBeVisible();
  const card = page.getByRole('article', { name: 'Task describe' });
  await expect(card).toContainText('validation loss', { timeout: RUN_LIMIT_MS });
  await expect(page.getByRole('region', { name: 'Running and queued' })).toHaveCount(0);
  await expect(card.getByRole('img', { name: /^Training loss from/ })).toHaveAttribute(
    'data-points',
    String(run!.spec.train.steps),
  );
  await expect(page.getByRole('button', { name: 'Try it with the sample' })).toHaveCount(0);
});

test('the board switches in one click and opens the playground with the adapter', async ({ graft: page }) => {
  test.setTimeout(300_000);
  const parts = await addParts(page);
  await train(page, parts, { name: 'first', train: { steps: 2, evalEvery: 2 } });
  const second = await train(page, parts, { name: 'second', train: { steps: 3, evalEvery: 3 } });
  await train(page, parts, {
    name: 'a name that is long enough to need more than the width of one card',
    taskName: 'extract',
    train: { steps: 1 },
  });
  await change(page, 'playground.load', { modelId: parts.modelId });
  await change(page, 'tasks.create', { name: 'empty' });
  await goTo(page, 'Adapters');
  await goTo(page, 'Home');

  const card = page.getByRole('article', { name: 'Task describe' });
  const choice = card.getByRole('group', { name: 'Active adapter of describe' });
  await expect(choice.getByRole('button', { name: /^first/ })).toHaveAttribute('aria-pressed', 'true');
  await choice.getByRole('button', { name: /^second/ }).click();
  await expect(card.getByText(/^Switched in [\d.]+ ms\.$/)).toBeVisible();
  await expect(choice.getByRole('button', { name: /^second/ })).toHaveAttribute('aria-pressed', 'true');
  await expect(card).toContainText(second.result!.valLoss!.toFixed(4));
  await expectAccessible(page);
  await keepScreenshot(page, 'home');

  const adapters = await ask<{ id: string; runId: string }[]>(page, 'adapters.list');
  await card.getByRole('link', { name: 'Open describe in the playground' }).click();
  await expect(page).toHaveURL(
    new RegExp(`#/playground\\?adapter=${adapters.find(({ runId }) => runId === second.id)!.id}`),
  );
});

test('runs under way show their progress and time left, queued ones wait', async ({ graft: page }) => {
  test.setTimeout(200_000);
  const parts = await addParts(page);
  const running = await queueRun(page, parts, { name: 'long', train: { steps: 4000 } });
  const queued = await queueRun(page, parts, { name: 'waiting', train: { steps: 4000 } });
  await goTo(page, 'Adapters');
  await goTo(page, 'Home');
  const list = page.getByRole('region', { name: 'Running and queued' });
  await expect(list.getByRole('listitem').filter({ hasText: 'waiting' })).toContainText('waits for its turn');
  await expect(list.getByRole('listitem').filter({ hasText: 'long' })).toContainText(
    /step [\d,]+ of 4,000, .* left, loss \d/,
    { timeout: RUN_LIMIT_MS },
  );
  const stepNow = async () =>
    Number(await list.getByRole('progressbar', { name: 'Progress of long' }).getAttribute('aria-valuenow'));
  const before = await stepNow();
  await expect.poll(stepNow, { timeout: RUN_LIMIT_MS }).toBeGreaterThan(before);
  const goOn = await haltAfter(page, running.id, 1);
  await keepScreenshot(page, 'home-running');
  await change(page, 'runs.stop', { id: queued.id });
  await expect(list.getByRole('listitem')).toHaveCount(1);
  await change(page, 'runs.stop', { id: running.id });
  goOn();
  await expect(list).toHaveCount(0, { timeout: 60_000 });
});
