/** The Serve page: start, ask as any program would, switch a task's adapter while it runs, ask again, stop. */
import path from 'node:path';
import { expectAccessible } from './axe.ts';
import { change, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { STARTER_MODEL, writeKnownAdapter } from './knownAdapter.ts';

const START_LIMIT_MS = 60_000;
const PROMPT = 'name: Clever Oak | kind: bistro';

test('a service on two adapters of a task, asked by fetch', async ({ graft: page, home }) => {
  await goTo(page, 'Serve');
  await expect(page.getByRole('link', { name: 'Add a model' })).toBeVisible();
  await change(page, 'models.add', { dir: STARTER_MODEL, name: 'Starter' });
  for (const name of ['one', 'two']) {
    const dir = path.join(home, name);
    writeKnownAdapter(dir, { values: () => [8, 6, 4, 2], first: name === 'one' ? 0 : 5 });
    await change(page, 'adapters.import', { dir, taskName: 'describe', name });
  }
  await goTo(page, 'Home');
  await goTo(page, 'Serve');
  await expectAccessible(page);
  await keepScreenshot(page, 'serve-off');
  await page.getByRole('radio', { name: 'A GGUF file in llama.cpp' }).click();
  await expect(page.getByLabel('GGUF file')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeDisabled();
  await page.getByRole('radio', { name: 'A base and its tasks' }).click();
  await page.getByLabel('Port').fill('0');
  await page.getByLabel('Engine').selectOption('wasm');
  await page.getByRole('button', { name: 'Start', exact: true }).click();

  const service = page.getByRole('region', { name: 'Service' });
  await expect(service.getByText('Address')).toBeVisible({ timeout: START_LIMIT_MS });
  await service.getByRole('button', { name: 'Show' }).click();
  const [address, key] = (await service.locator('dd code').allTextContents()) as [string, string];
  const ask = async (model: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${address}/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, prompt: PROMPT, max_tokens: 24, temperature: 0 }),
    });
    const { choices, error } = (await response.json()) as {
      choices?: { text: string }[];
      error?: { message: string };
    };
    return { status: response.status, text: choices?.[0]?.text ?? error!.message };
  };

  const adapter = page.getByLabel('Adapter of describe');
  await adapter.selectOption('one');
  await expect(adapter.locator('option:checked')).toHaveText('one');
  const one = await ask('describe');
  expect(one.status).toBe(200);
  await adapter.selectOption('two');
  await expect(adapter).toBeEnabled();
  const two = await ask('describe');
  expect(two.text).not.toBe(one.text);
  await adapter.selectOption('one');
  await expect(adapter).toBeEnabled();
  expect(await ask('describe')).toEqual(one);
  expect((await ask('nothing')).status).toBe(404);
  await expect(page.getByRole('list', { name: 'Last failures' })).toContainText('There is no task "nothing" here');

  await page.getByRole('tab', { name: 'Python' }).click();
  await expect(page.getByTestId('snippet')).toContainText(`base_url="${address}"`);
  await expectAccessible(page);
  await keepScreenshot(page, 'serve-on');
  await service.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeVisible();
  await expect(ask('describe')).rejects.toThrow();
});
