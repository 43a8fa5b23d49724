/**
 * The Export page: what will be written, a merge with its certificate, GGUF and Ollama, a copy, a cancelled one.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expectAccessible } from './axe.ts';
import { ask, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { addParts, openHash, train } from './realRuns.ts';

test('exports a merged model, an adapter by itself, several with scales; cancels; says why not', async ({
  graft: page,
  home,
}) => {
  test.setTimeout(240_000);
  await goTo(page, 'Export');
  await expect(page.getByRole('link', { name: 'Train an adapter' })).toBeVisible();
  const parts = await addParts(page);
  await train(page, parts, { train: { steps: 2 } });
  await train(page, parts, { train: { steps: 2, seed: 7 } });
  await train(page, parts, { method: { type: 'prefix' }, taskName: 'prefixed', train: { steps: 2 } });
  await page.reload();
  const plan = page.getByRole('region', { name: 'What will be written' });
  const adapter = page.getByRole('combobox', { name: 'Adapter', exact: true });
  const choose = async (text: RegExp) =>
    adapter.selectOption((await adapter.locator('option').filter({ hasText: text }).first().getAttribute('value'))!);

  await test.step('a method that cannot be merged says why and offers the copy', async () => {
    await choose(/prefix/i);
    const why = page.getByRole('alert');
    await expect(why).toContainText('virtual tokens');
    await expect(page.getByRole('button', { name: 'Merge and export' })).toBeDisabled();
    await why.getByRole('button', { name: 'Export the adapter only' }).click();
    await expect(page.getByRole('button', { name: 'Export the adapter', exact: true })).toBeEnabled();
    await page.getByRole('button', { name: 'Export the adapter', exact: true }).click();
    const card = page.getByRole('article', { name: /^Export prefixed-adapter/ });
    await expect(card).toHaveAttribute('data-export-status', 'completed');
    expect(fs.readdirSync(path.join(home, 'exports', 'prefixed-adapter'))).toContain('adapter_model.safetensors');
  });

  await test.step('the plan names files and sizes, and the type changes them', async () => {
    await page.getByRole('radio', { name: 'Python' }).click();
    await choose(/LoRA/);
    await expect(plan).toContainText('model.safetensors');
    const asBase = await plan.getByText(/files, about/).textContent();
    await page.getByRole('combobox', { name: 'Type' }).selectOption('f16');
    await expect(plan.getByText(/files, about/)).not.toHaveText(asBase!);
    await expect(page.getByText(/values above 65,504/)).toBeVisible();
    await expectAccessible(page);
    await keepScreenshot(page, 'export-form');
  });

  await test.step('merged, with a certificate to read', async () => {
    await page.getByRole('combobox', { name: 'Type' }).selectOption('');
    await page.getByLabel('New folder').fill('whole');
    await page.getByRole('button', { name: 'Merge and export' }).click();
    const card = page.getByRole('article', { name: 'Export whole' });
    const certificate = card.getByRole('region', { name: 'Parity certificate' });
    await expect(certificate.getByText('passed', { exact: true })).toBeVisible({ timeout: 90_000 });
    await expect(certificate).toContainText(/Over [\d,]+ tokens of \d+ prompts[^]*to within[^]*largest logit/);
    const written = JSON.parse(fs.readFileSync(path.join(home, 'exports/whole/parity.json'), 'utf8')) as {
      passed: boolean;
      tokensCompared: number;
    };
    expect(written.passed).toBe(true);
    await expect(certificate).toContainText(written.tokensCompared.toLocaleString('en-US'));
    await card.getByRole('button', { name: 'Copy path' }).click();
    await expect(page.getByText('The path is on the clipboard.')).toBeVisible();
  });

  await test.step('several adapters with scales', async () => {
    await page.getByRole('button', { name: 'Combine with another adapter' }).click();
    await page.getByLabel('Scale', { exact: true }).fill('0.5');
    await page.getByLabel('Scale 2').fill('-0.5');
    await page.getByLabel('New folder').fill('both');
    await page.getByRole('button', { name: 'Merge and export' }).click();
    const card = page.getByRole('article', { name: 'Export both' });
    await expect(card.getByText('passed', { exact: true })).toBeVisible({ timeout: 90_000 });
    await expect(card).toContainText('2 adapters merged');
    await expectAccessible(page);
    await keepScreenshot(page, 'export-history');
    await page.getByRole('button', { name: 'Take out adapter 2' }).click();
    await page.getByLabel('Scale', { exact: true }).fill('1');
  });

  await test.step('GGUF in two types, each with what llama.cpp computes of it', async () => {
    await page.getByRole('radio', { name: 'llama.cpp', exact: true }).click();
    await page.getByRole('checkbox', { name: 'Q4_K_M' }).check();
    await expect(plan).toContainText(/Q4_K_M: [^]*rows of 96 values are no multiple/);
    await expectAccessible(page);
    await page.getByLabel('New folder').fill('packed');
    await page.getByRole('button', { name: 'Merge and export' }).click();
    const certificate = page
      .getByRole('article', { name: 'Export packed' })
      .getByRole('region', { name: 'Parity certificate' });
    await expect(certificate.getByText('passed', { exact: true }).first()).toBeVisible({ timeout: 90_000 });
    await expect(certificate.getByRole('row')).toHaveText([/KL divergence/, /^\s*Q8_0/, /^\s*Q4_K_M/]);
    const files = fs.readdirSync(path.join(home, 'exports/packed')).filter((name) => name.endsWith('.gguf'));
    expect(files.sort()).toEqual(['packed-Q4_K_M.gguf', 'packed-Q8_0.gguf']);
    for (const name of files)
      expect(fs.readFileSync(path.join(home, 'exports/packed', name)).toString('latin1', 0, 4)).toBe('GGUF');
    await keepScreenshot(page, 'export-gguf');
    const serve = page.getByRole('article', { name: 'Export packed' }).getByRole('link', { name: 'Serve it here' });
    await expect(serve).toHaveAttribute(
      'href',
      `#/serve?gguf=${encodeURIComponent(path.join(home, 'exports/packed', files[1]!))}`,
    );
    await expectAccessible(page);
  });

  await test.step('for Ollama one type, a Modelfile and the line to copy', async () => {
    await page.getByRole('radio', { name: 'Ollama' }).click();
    await page.getByRole('radio', { name: 'Q8_0' }).click();
    await page.getByLabel('New folder').fill('chatty');
    await page.getByRole('button', { name: 'Merge and export' }).click();
    const run = page.getByRole('article', { name: 'Export chatty' }).getByRole('region', { name: 'Run it in Ollama' });
    await expect(run).toContainText('ollama create chatty', { timeout: 90_000 });
    await run.getByRole('button', { name: 'Copy the line for Ollama' }).click();
    await expect(page.getByText('The line is on the clipboard')).toBeVisible();
    expect(fs.readFileSync(path.join(home, 'exports/chatty/Modelfile'), 'utf8')).toContain('FROM ./chatty-Q8_0.gguf');
    const [record] = await ask<{ format: string; quantise: string[]; result: { ggufs: { file: string }[] } }[]>(
      page,
      'exports.list',
    );
    expect(record).toMatchObject({
      format: 'ollama',
      quantise: ['Q8_0'],
      result: { ggufs: [{ file: 'chatty-Q8_0.gguf' }] },
    });
    await page.getByRole('radio', { name: 'Python' }).click();
  });

  await test.step('a cancelled export leaves nothing', async () => {
    await page.getByLabel('New folder').fill('given-up');
    await page.getByRole('button', { name: 'Merge and export' }).click();
    const card = page.getByRole('article', { name: 'Export given-up' });
    await card.getByRole('button', { name: 'Cancel' }).click();
    await expect(card).toContainText('You cancelled this export');
    expect(fs.readdirSync(path.join(home, 'exports')).filter((name) => name.includes('given-up'))).toEqual([]);
    await card.getByRole('button', { name: 'Remove given-up from the history' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
    await expect(card).toHaveCount(0);
  });

  await test.step('a folder that exists is named, with a way out', async () => {
    await page.getByLabel('New folder').fill('whole');
    await expect(page.getByRole('alert')).toContainText('exists already');
    await page.getByLabel('New folder').fill('../whole');
    await expect(page.getByRole('alert')).toContainText('is one name');
    await page.getByLabel('New folder').fill('whole');
    await page.getByRole('button', { name: 'Use a free name' }).click();
    await expect(page.getByRole('button', { name: 'Merge and export' })).toBeEnabled();
  });

  await test.step('a model that was fine-tuned whole goes from the end of its run to llama.cpp', async () => {
    const { id } = await train(page, parts, { method: { type: 'full' }, taskName: 'retold', train: { steps: 2 } });
    await openHash(page, `#/runs/${id}`);
    await expect(page.getByText('Training is complete; the model is in the catalogue.')).toBeVisible();
    await page.getByRole('main').getByRole('link', { name: 'Export', exact: true }).click();
    await expect(page.getByRole('combobox', { name: 'Model', exact: true })).toContainText('fine-tuned whole');
    await page.getByRole('radio', { name: 'PEFT' }).click();
    await page.getByRole('alert').getByRole('button', { name: 'Export it for Ollama' }).click();
    await page.getByLabel('New folder').fill('retold');
    await expectAccessible(page);
    await keepScreenshot(page, 'export-model');
    await page.getByRole('button', { name: 'Export the model' }).click();
    const certificate = page
      .getByRole('article', { name: 'Export retold' })
      .getByRole('region', { name: 'Parity certificate' });
    await expect(certificate).toContainText('beside the model itself', { timeout: 90_000 });
    const files = fs.readdirSync(path.join(home, 'exports/retold')).sort();
    expect(files).toEqual(['Modelfile', 'README.md', 'parity.json', 'retold-Q8_0.gguf']);
  });
});
