/** A run that does not fit as it is: the wizard chooses what does, says so, and lets the user have it otherwise. */
import path from 'node:path';
import type { Locator, Page } from '@playwright/test';
import type { RunView } from '../src-main/api/types.ts';
import { TINY_LLAMA, writeTinyModel } from '../test-support/fixtures/tinyModel.ts';
import { expectAccessible } from './axe.ts';
import { addSample, ask, change, expect, keepScreenshot, openStep, test } from './fixtures.ts';

const MIB = 2 ** 20;
/** In float32 it takes 521 MiB with 8 rows at a time, 324 with 2, and 347 with 4 whose blocks are computed again. */
const CONFIG = {
  ...TINY_LLAMA,
  hidden_size: 256,
  intermediate_size: 704,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  num_key_value_heads: 8,
  max_position_embeddings: 256,
};
const LIMIT_MIB = 420;
const PLANNED_MS = 90_000;

test('settings that fit are chosen by themselves, never over what the user has set', async ({ graft: page, home }) => {
  test.setTimeout(360_000);
  const dir = await writeTinyModel(path.join(home, 'big'), { config: CONFIG });
  await change(page, 'models.add', { dir });
  await change(page, 'system.saveSettings', { defaultEngine: 'tensorflow', memoryLimitBytes: LIMIT_MIB * MIB });
  await addSample(page, 'describe');
  await page.getByRole('link', { name: 'Train with it' }).click();

  const panel = page.getByRole('complementary', { name: 'What the run takes' });
  const note = panel.getByRole('region', { name: 'Chosen to fit' });
  const table = panel.getByRole('region', { name: 'Fit to this machine' });
  const batch = page.getByLabel('Batch size', { exact: true });
  const accumulate = page.getByLabel('Gradient accumulation', { exact: true });
  const recomputing = page.getByRole('switch', { name: 'Gradient checkpointing' });

  await test.step('one sentence says what was chosen and for what, the table what each form costs', async () => {
    await expect(note).toContainText(
      `To fit into the ${LIMIT_MIB} MiB that this run may take: 2 rows at a time, 4 times per step.`,
      { timeout: PLANNED_MS },
    );
    await expect(panel.getByText('Fits this machine')).toBeVisible();
    await expect(rowOf(table, 'f32')).toContainText('In use');
    await expect(rowOf(table, 'bf16')).toContainText('loss +0.0013');
    await expect(table.getByRole('button', { name: 'Use bf16' })).toBeVisible();
    await expectAccessible(page);
    await keepScreenshot(page, '24-new-run-chosen-to-fit');
  });

  await test.step('the fields show it, and after a reload it is chosen again', async () => {
    await openMemory(page);
    for (const again of [false, true]) {
      if (again) {
        await page.reload();
        await openMemory(page);
      }
      await expect(batch).toHaveValue('2', { timeout: PLANNED_MS });
      await expect(accumulate).toHaveValue('4');
    }
  });

  await test.step('one click back, and nothing is chosen any more', async () => {
    await note.getByRole('button', { name: 'Keep my settings' }).click();
    await expect(note).toHaveCount(0);
    await expect(batch).toHaveValue('8');
    await expect(panel.getByText('Does not fit')).toBeVisible({ timeout: PLANNED_MS });
    await expect(table).toContainText('Your own settings are left as they are', { timeout: PLANNED_MS });
    await expect(batch).toHaveValue('8');
    await expect(note).toHaveCount(0);
    await keepScreenshot(page, '25-new-run-own-settings-kept');
  });

  await test.step('what is set by hand stays, and the rest is chosen around it', async () => {
    await page.getByRole('button', { name: 'Start over' }).click();
    await openMemory(page);
    await expect(batch).toHaveValue('2', { timeout: PLANNED_MS });
    await expect(recomputing).not.toBeChecked();
    await batch.fill('4');
    await expect(note).toContainText('may take: blocks computed again for the gradient.', { timeout: PLANNED_MS });
    await expect(rowOf(table, 'f32')).toContainText('about 33 % more');
    await expect(recomputing).toBeChecked();
    await expect(batch).toHaveValue('4');
    await expect(accumulate).toHaveValue('4');
  });

  await test.step('the form that is used is that of the run', async () => {
    await table.getByRole('button', { name: 'Use bf16' }).click();
    await expect(note).toHaveCount(0, { timeout: PLANNED_MS });
    await expect(panel.getByText('Fits this machine')).toBeVisible({ timeout: PLANNED_MS });
    const shown = { batch: Number(await batch.inputValue()), accumulate: Number(await accumulate.inputValue()) };
    expect(shown.batch * shown.accumulate).toBe(16);
    await openStep(page, 'Review');
    await expect(page.getByRole('region', { name: 'Summary' })).toContainText('bf16');
    await page.getByRole('button', { name: 'Start training' }).click();
    await expect(page).toHaveURL(/#\/runs\/run-/);
    const { id, spec } = await ask<RunView>(page, 'runs.get', { id: page.url().split('/').at(-1) });
    expect(spec).toMatchObject({ baseDtype: 'bf16', embeddingDtype: 'bf16', train: shown });
    await expect
      .poll(() => ask<RunView>(page, 'runs.get', { id }), { timeout: PLANNED_MS })
      .toMatchObject({ status: 'running', started: { engine: 'tensorflow' } });
    await change(page, 'runs.stop', { id });
  });
});

const rowOf = (table: Locator, form: string): Locator =>
  table.getByRole('listitem').filter({ has: table.page().getByText(form, { exact: true }) });

async function openMemory(page: Page): Promise<void> {
  await openStep(page, 'Schedule');
  await page.getByText('Memory and speed', { exact: true }).click();
}
