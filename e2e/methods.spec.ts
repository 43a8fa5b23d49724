/** Choosing another method than LoRA: what it would train is said at once, what does not fit too. */
import { addSample, addStarterModel, expect, goTo, keepScreenshot, startRun, test } from './fixtures.ts';

test('BitFit is refused, adapter layers are trained and catalogued', async ({ graft: page }) => {
  await addStarterModel(page);
  await addSample(page, 'describe');
  await page.getByRole('link', { name: 'Train with it' }).click();
  const line = page.getByText(/trainable parameters/);
  await expect(line).toBeVisible();

  await test.step('BitFit is refused on a model without biases, with the way out', async () => {
    await page.getByRole('combobox', { name: 'Method' }).selectOption('BitFit');
    await expect(page.getByRole('alert')).toContainText('no biases');
    await expect(page.getByRole('alert')).toContainText('choose LoRA');
    await expect(line).toBeHidden();
  });

  await test.step('adapter layers say what they would train', async () => {
    await page.getByRole('combobox', { name: 'Method' }).selectOption('Adapter layers');
    await page.getByRole('combobox', { name: 'Kind' }).selectOption('Pfeiffer');
    await page.getByLabel('Bottleneck', { exact: true }).fill('4');
    await expect(page.getByRole('alert')).toBeHidden();
    await expect(line).toContainText('trainable parameters');
    await keepScreenshot(page, '20-train-adapter-layers');
  });

  await test.step('the run and the catalogue name the method', async () => {
    await startRun(page, { Steps: 5, Batch: 2 });
    await expect(page.getByText('Training is complete')).toBeVisible({ timeout: 120_000 });
    await expect(page.getByRole('region', { name: 'Settings' })).toContainText('Adapter layers');
    await goTo(page, 'Adapters');
    await expect(page.getByRole('region', { name: 'Task describe' })).toContainText('Adapter layers');
    await keepScreenshot(page, '21-adapters-of-methods');
  });
});
