/**
 * The playground on real short runs: switching, comparing, voting blind, probabilities, stopping, history, chat, and
 * what goes wrong.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from './axe.ts';
import { ask, change, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { REPO } from './host.ts';
import { addParts, pausedRun, train, type Parts } from './realRuns.ts';

const PROMPT = 'name: Clever Oak | kind: bistro | food: Chinese | area: city centre | price: expensive';
const LOAD_LIMIT_MS = 60_000;

const output = (page: Page): Locator => page.getByRole('region', { name: 'Output' });
const choice = (page: Page, name: string): Locator =>
  page.getByRole('group', { name: 'Answers with' }).getByRole('button', { name, exact: true });

/** The page with what its address chooses beforehand. */
async function open(page: Page, query: string): Promise<void> {
  await page.evaluate((hash) => (window.location.hash = hash), `#/playground?${query}`);
  await expect(page.getByRole('heading', { name: 'Playground', level: 1 })).toBeVisible();
}

/** Generates with a prompt and returns the answer once it is complete. */
async function generate(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Generate', exact: true }).click();
  await expect(output(page).getByText(/tokens\/s;/)).toBeVisible({ timeout: LOAD_LIMIT_MS });
  return (await page.getByTestId('generated').textContent())!;
}

/** Folders of the adapters by task, trained by the first test that needs them; the next one imports them. */
const trained = new Map<string, string>();
test.afterAll(() => trained.forEach((dir) => fs.rmSync(dir, { recursive: true })));

/** An adapter for each of two tasks; their ids by task. */
async function addTasks(page: Page): Promise<{ modelId: string; adapters: Record<string, string> }> {
  const adapters: Record<string, string> = {};
  let modelId = '';
  for (const task of ['describe', 'extract']) {
    const parts = await addParts(page, { task });
    const dir = trained.get(task);
    if (dir) await change(page, 'adapters.import', { dir, taskName: task, name: task });
    else trained.set(task, await trainTask(page, parts, task));
    ({ modelId } = parts);
  }
  for (const adapter of await ask<{ id: string; taskName: string }[]>(page, 'adapters.list'))
    adapters[adapter.taskName] = adapter.id;
  return { modelId, adapters };
}

/** Trains on a task; returns a copy of the adapter's folder that outlives the test. */
async function trainTask(page: Page, parts: Parts, task: string): Promise<string> {
  const { spec } = await train(page, parts, {
    taskName: task,
    method: { type: 'lora', targets: ['q', 'v'], rank: 4 },
    train: { batch: 4, lr: 0.02, val: 0 },
  });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `graft-e2e-${task}-`));
  fs.cpSync(spec.outDir, dir, { recursive: true });
  return dir;
}

test('switching by click and key, probabilities, stopping, and a history that survives', async ({ graft: page }) => {
  await addTasks(page);
  await goTo(page, 'Playground');
  await page.getByLabel('Prompt').fill(PROMPT);
  await page.getByLabel('Max new tokens').fill('24');
  const texts: Record<string, string> = {};

  await test.step('every task is one click away, with its milliseconds', async () => {
    for (const name of ['Plain base', 'describe', 'extract']) {
      await choice(page, name).click();
      await expect(page.getByText(new RegExp(`^Switched to ${name} in [\\d.]+ m?s\\.$`))).toBeVisible({
        timeout: LOAD_LIMIT_MS,
      });
      await expect(choice(page, name)).toHaveAttribute('aria-pressed', 'true');
      texts[name] = await generate(page);
    }
    expect(new Set(Object.values(texts)).size).toBe(3);
    await keepScreenshot(page, '50-playground');
  });

  await test.step('a key does the same, but not while somebody types', async () => {
    await output(page).getByRole('article').click();
    await page.keyboard.press('2');
    await expect(page.getByText(/^Switched to describe in [\d.]+ ms\.$/)).toBeVisible();
    await page.getByLabel('Prompt').press('1');
    await expect(page.getByLabel('Prompt')).toHaveValue(`${PROMPT}1`);
    await expect(choice(page, 'describe')).toHaveAttribute('aria-pressed', 'true');
    await page.getByLabel('Prompt').fill(PROMPT);
    expect(await generate(page)).toBe(texts['describe']);
  });
  await test.step('a token tells what else was likely; the greedy one is the likeliest', async () => {
    const tokens = output(page).getByRole('option');
    await tokens.nth(3).hover();
    const tip = page.getByRole('tooltip');
    await expect(tip.getByTestId('top-p')).toHaveCount(5);
    const chances = (await tip.getByTestId('top-p').allTextContents()).map(parseFloat);
    expect(chances).toHaveLength(5);
    expect(parseFloat((await tip.getByTestId('token-p').textContent())!)).toBe(Math.max(...chances));
    await keepScreenshot(page, '51-playground-probabilities');
    await tokens.first().focus();
    await page.keyboard.press('ArrowRight');
    await expect(tokens.nth(1)).toBeFocused();
    await expect(tip).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(tip).toBeHidden();
  });

  await test.step('after a reload the history brings prompt, settings and answer back', async () => {
    await page.reload();
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByLabel('Search the history').fill('clever oak');
    const entries = page.getByRole('list', { name: 'History' }).getByRole('listitem');
    await expect(entries).toHaveCount(4);
    await keepScreenshot(page, '52-playground-history');
    await entries
      .first()
      .getByRole('button', { name: /^name: Clever Oak/ })
      .click();
    await expect(page.getByLabel('Prompt')).toHaveValue(PROMPT);
    await expect(page.getByTestId('generated')).toHaveText(texts['describe']!);
    await page.getByRole('tab', { name: 'Sampling' }).click();
    await expect(page.getByLabel('Max new tokens')).toHaveValue('24');
    await expect(choice(page, 'describe')).toHaveAttribute('aria-pressed', 'true');
  });

  await test.step('deleting can be undone, clearing all cannot', async () => {
    await page.getByRole('tab', { name: 'History' }).click();
    const entries = page.getByRole('list', { name: 'History' }).getByRole('listitem');
    await expect(entries).toHaveCount(4);
    await page
      .getByRole('button', { name: /^Delete name/ })
      .first()
      .click();
    await expect(entries).toHaveCount(3);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect(entries).toHaveCount(4);
    await page.getByRole('button', { name: 'Clear all…' }).click();
    await page.getByRole('button', { name: 'Clear the history' }).click();
    await expect(page.getByText('Nothing yet. Every answer is kept here')).toBeVisible();
  });
  await expectAccessible(page);
});

test('base and two adapters side by side answer as each alone; a blind vote reveals and is remembered', async ({
  graft: page,
}) => {
  const { adapters, modelId } = await addTasks(page);
  await test.step('a click counts, also before all about the model is known', async () => {
    const told = Promise.withResolvers<void>();
    await page.route(/playground\.chat/, (route) => told.promise.then(() => route.continue()));
    await open(page, `adapter=${adapters['describe']}`);
    await expect(choice(page, 'describe')).toHaveAttribute('aria-pressed', 'true');
    await choice(page, 'Plain base').click();
    const template = page.waitForResponse(/playground\.chat/);
    told.resolve();
    await template;
    await expect(page.getByText('Chat is not offered')).toBeVisible();
    await expect(page.getByText(/^Switched to Plain base /)).toBeVisible({ timeout: LOAD_LIMIT_MS });
    await expect(choice(page, 'Plain base')).toHaveAttribute('aria-pressed', 'true');
  });
  await page.getByLabel('Prompt').fill(PROMPT);
  await page.getByLabel('Max new tokens').fill('16');
  const alone: Record<string, string> = {};
  for (const name of ['Plain base', 'describe', 'extract']) {
    await choice(page, name).click();
    await expect(page.getByText(new RegExp(`^Switched to ${name} `))).toBeVisible({ timeout: LOAD_LIMIT_MS });
    alone[name] = await generate(page);
  }

  await test.step('in one pass', async () => {
    await page.getByRole('switch', { name: 'Compare side by side' }).click();
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    for (const [name, text] of Object.entries(alone)) {
      const column = output(page).getByRole('article', { name, exact: true });
      await expect(column.getByText(/tokens\/s; (reached the limit|the model ended the text)/)).toBeVisible({
        timeout: LOAD_LIMIT_MS,
      });
      await expect(column.getByTestId('generated')).toHaveText(text);
    }
    await page.evaluate(() => (document.documentElement.dataset['theme'] = 'dark'));
    await keepScreenshot(page, '53-playground-compare-dark');
    await page.evaluate(() => delete document.documentElement.dataset['theme']);
    await expectAccessible(page);
  });

  await test.step('blind', async () => {
    await page.getByRole('switch', { name: 'Blind' }).click();
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    const best = output(page).getByRole('article', { name: 'Answer B' });
    await expect(best.getByRole('button', { name: 'B is best' })).toBeEnabled({ timeout: LOAD_LIMIT_MS });
    for (const name of Object.keys(alone)) await expect(output(page)).not.toContainText(name);
    await keepScreenshot(page, '54-playground-blind');
    const text = await best.getByTestId('generated').textContent();
    await best.getByRole('button', { name: 'B is best' }).click();
    const winner = Object.keys(alone).find((name) => alone[name] === text)!;
    await expect(output(page).getByRole('article', { name: winner, exact: true })).toContainText('voted best');
    await expect(page.getByRole('row', { name: new RegExp(`^${winner} 1 0 0$`) })).toBeVisible();
    await keepScreenshot(page, '55-playground-voted');
    await page.reload();
    await expect(choice(page, 'describe')).toHaveAttribute('aria-pressed', 'true');
    await page.getByRole('switch', { name: 'Compare side by side' }).click();
    await expect(page.getByRole('row', { name: new RegExp(`^${winner} 1 0 0$`) })).toBeVisible();
    await page.getByRole('button', { name: 'Reset the score' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Reset the score' }).click();
    await expect(page.getByRole('region', { name: 'Score of blind votes' })).toBeHidden();
    await expect.poll(() => ask(page, 'playground.votes.scores', { modelId })).toEqual([]);
  });
});

test('a chat with the whole conversation, a process that dies, a folder that is gone', async ({
  graft: page,
  home,
}) => {
  const modelDir = path.join(home, 'chatty');
  fs.cpSync(path.join(REPO, 'resources', 'starter', 'model'), modelDir, { recursive: true });
  makeEndless(modelDir);
  fs.writeFileSync(path.join(modelDir, 'chat_template.jinja'), '{% for m in messages %}{{ m.content }}\n{% endfor %}');
  const parts = await addParts(page, { modelDir });
  await open(page, `model=${parts.modelId}`);

  await test.step('stop ends a long text and keeps what there is', async () => {
    await page.getByLabel('Prompt').fill('The');
    await page.getByLabel('Max new tokens').fill('15000');
    await page.getByRole('button', { name: 'Generate', exact: true }).click();
    await expect(output(page).getByRole('option').nth(5)).toBeVisible({ timeout: LOAD_LIMIT_MS });
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await expect(output(page).getByText(/tokens\/s; stopped\.$/)).toBeVisible();
    expect(await page.getByTestId('generated').textContent()).not.toBe('');
    await expect(page.getByRole('button', { name: 'Generate', exact: true })).toBeEnabled();
  });

  await test.step('two turns and a system instruction', async () => {
    await page.getByRole('radio', { name: 'Chat' }).click();
    await page.getByLabel('System instruction').fill('name:');
    await page.getByLabel('Max new tokens').fill('6');
    for (const [i, text] of ['Clever Oak', 'kind: bistro'].entries()) {
      await page.getByLabel('Prompt').fill(text);
      await page.getByLabel('Prompt').press('Enter');
      await expect(output(page).getByText(/tokens at .*;/)).toHaveCount(i + 1, { timeout: LOAD_LIMIT_MS });
    }
    await keepScreenshot(page, '56-playground-chat');
    await expectAccessible(page);
    const lastEntry = async () => {
      const [entry] = await ask<{ id: string }[]>(page, 'playground.history.list');
      return ask(page, 'playground.history.get', { id: entry!.id });
    };
    await expect.poll(lastEntry).toMatchObject({
      request: { mode: 'chat', system: 'name:', prompts: ['Clever Oak', 'kind: bistro'] },
    });
  });

  await test.step('the process dies: a sentence, and a button that loads the model again', async () => {
    const { pid } = await ask<{ pid: number | null }>(page, 'playground.state');
    process.kill(pid!, 'SIGKILL');
    await expect(page.getByRole('alert')).toContainText('was ended by SIGKILL');
    await keepScreenshot(page, '57-playground-crashed');
    await page.getByRole('button', { name: 'Load again' }).click();
    await expect(page.getByRole('status', { name: 'Loaded base model' })).toContainText('is loaded on', {
      timeout: LOAD_LIMIT_MS,
    });
    await expect(page.getByRole('alert')).toHaveCount(0);
  });

  await test.step('the half-trained adapter of a paused run answers', async () => {
    const id = await pausedRun(page, parts);
    await open(page, `run=${id}`);
    const half = page
      .getByRole('group', { name: 'Answers with' })
      .getByRole('button', { name: /half-trained: describe at step \d+/ });
    await expect(half).toHaveAttribute('aria-pressed', 'true');
    await expect(page.getByText(/^Switched to half-trained: describe at step \d+ in/)).toBeVisible({
      timeout: LOAD_LIMIT_MS,
    });
    await page.getByRole('radio', { name: 'Completion' }).click();
    await page.getByLabel('Prompt').fill(PROMPT);
    await page.getByLabel('Max new tokens').fill('8');
    await generate(page);
    await keepScreenshot(page, '58-playground-half-trained');
    await open(page, 'adapter=adapter-gone');
    await expect(page.getByRole('alert')).toContainText('not in the catalogue any more');
  });

  await test.step('the folder is gone: a sentence, and the way to relocate it', async () => {
    await page.getByRole('button', { name: 'Unload' }).click();
    await expect(page.getByText('Nothing is loaded.')).toBeVisible();
    fs.renameSync(modelDir, `${modelDir}-moved`);
    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await expect(page.getByRole('alert')).toContainText(`${modelDir} does not exist`, { timeout: LOAD_LIMIT_MS });
    await page.getByRole('link', { name: 'Relocate' }).click();
    await expect(page).toHaveURL(new RegExp(`#/models/${parts.modelId}`));
  });
});

/** Gives the copied model room for thousands of tokens, and an end token that it never writes. */
function makeEndless(modelDir: string): void {
  const rewrite = (name: string, changes: object): void => {
    const file = path.join(modelDir, name);
    const before = JSON.parse(fs.readFileSync(file, 'utf8')) as object;
    fs.writeFileSync(file, JSON.stringify({ ...before, ...changes }));
  };
  rewrite('config.json', { max_position_embeddings: 16_384, eos_token_id: 2 });
  rewrite('generation_config.json', { eos_token_id: 2 });
  rewrite('tokenizer_config.json', { eos_token: '<pad>' });
}
