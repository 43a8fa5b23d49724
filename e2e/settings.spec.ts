/**
 * The Settings page and the keyboard: engines and their self-test, storage that is counted and freed, shortcuts, the
 * palette.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expectAccessible } from './axe.ts';
import { ask, expect, goTo, keepScreenshot, test } from './fixtures.ts';
import { addParts, haltAfter, queueRun, train, untilStatus } from './realRuns.ts';

test('engines: what is there, the self-test, the default', async ({ graft: page }) => {
  await goTo(page, 'Settings');
  const engines = page.getByRole('region', { name: 'Engines' });
  await expect(engines.getByText('usable', { exact: true }).first()).toBeVisible({ timeout: 60_000 });
  await engines.getByRole('button', { name: 'Self-test of wasm' }).click();
  const result = engines.getByRole('region', { name: 'Self-test of wasm' });
  await expect(result.getByText('passed', { exact: true }).first()).toBeVisible({ timeout: 60_000 });
  await expect(result).toContainText('Gradient of a LoRA layer');
  await engines.getByRole('button', { name: 'Measure speed' }).click();
  await expect(engines.getByText(/\d GFLOP\/s/).first()).toBeVisible({ timeout: 60_000 });
  await engines.getByRole('combobox', { name: 'Default engine' }).selectOption('wasm');
  await expect
    .poll(() => ask<{ defaultEngine: string }>(page, 'system.settings'))
    .toMatchObject({ defaultEngine: 'wasm' });

  const preferences = page.getByRole('region', { name: 'Preferences' });
  await preferences.getByLabel('Memory limit of new runs (GiB)').fill('2');
  await preferences.getByLabel('Memory limit of new runs (GiB)').press('Tab');
  await expect
    .poll(() => ask<{ memoryLimitBytes: number }>(page, 'system.settings'))
    .toMatchObject({ memoryLimitBytes: 2 ** 31 });
  await preferences.getByRole('radio', { name: 'Dark' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.reload();
  await expect(engines.getByRole('combobox', { name: 'Default engine' })).toHaveValue('wasm');
  await preferences.getByRole('radio', { name: 'System' }).click();

  await page.getByRole('button', { name: 'Licences…' }).click();
  await page.getByLabel('Search licences').fill('svelte-toolbelt');
  await expect(page.getByRole('row', { name: /svelte-toolbelt .* MIT/ })).toBeVisible();
  await page.keyboard.press('Escape');
  await expectAccessible(page);
  await keepScreenshot(page, 'settings');
});

test('storage is what lies on the disk, and cleaning up frees it', async ({ graft: page, home }) => {
  await train(page, await addParts(page), { train: { steps: 1 } });
  const orphan = path.join(home, 'adapters', 'adapter-of-nobody');
  fs.mkdirSync(orphan);
  fs.writeFileSync(path.join(orphan, 'weights'), Buffer.alloc(3 << 20));
  const longAgo = new Date(Date.now() - 3_600_000);
  fs.utimesSync(orphan, longAgo, longAgo);
  const onDisk = (): number =>
    Number(
      execFileSync(
        'sh',
        ['-c', 'find "$1" -type f -printf "%s\\n" | awk "{ sum += \\$1 } END { print sum }"', 'sh', home],
        { encoding: 'utf8' },
      ),
    );

  await goTo(page, 'Settings');
  const storage = page.getByRole('region', { name: 'Storage' });
  const shown = async () => Number(await storage.locator('[data-total-bytes]').getAttribute('data-total-bytes'));
  // The catalogue's log may grow between the two counts.
  await expect.poll(async () => Math.abs((await shown()) - onDisk()), { timeout: 30_000 }).toBeLessThan(200_000);
  const before = onDisk();
  await storage.getByRole('button', { name: /^Free .*: Left over$/ }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete 3 MiB' }).click();
  await expect(page.getByText('3 MiB freed.')).toBeVisible();
  expect(fs.existsSync(orphan)).toBe(false);
  expect(before - onDisk()).toBeGreaterThan(2.8 * 2 ** 20);
  await expect(storage.getByRole('button', { name: /^Free .*: Left over$/ })).toBeDisabled();
});

test('the keyboard alone: shortcuts, pages, the palette', async ({ graft: page }) => {
  await train(page, await addParts(page), { train: { steps: 1 } });
  await page.locator('body').press('?');
  const list = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(list).toContainText('Find a page, model, dataset, run or adapter');
  await expectAccessible(page);
  await keepScreenshot(page, 'shortcuts');
  await page.keyboard.press('Escape');
  await expect(list).toHaveCount(0);

  await page.keyboard.press('g');
  await page.keyboard.press('e');
  await expect(page.getByRole('heading', { name: 'Export', level: 1 })).toBeVisible();
  const folder = page.getByLabel('New folder');
  await folder.fill('');
  await folder.pressSequentially('g s n ?');
  await expect(folder).toHaveValue('g s n ?');
  await expect(page.getByRole('heading', { name: 'Export', level: 1 })).toBeVisible();

  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog', { name: 'Go to' });
  await palette.getByRole('combobox').fill('describ');
  await expect(palette.getByRole('option').filter({ hasText: 'completed' })).toBeVisible();
  await expectAccessible(page);
  await keepScreenshot(page, 'palette');
  await palette.getByRole('combobox').fill('setti');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible();
  await expect(palette).toHaveCount(0);
});

test('an address that names a data file opens it on the Datasets page', async ({ graft: page, home }) => {
  const file = path.join(home, 'opened & named.jsonl');
  fs.writeFileSync(
    file,
    Array.from({ length: 3 }, (_, i) => JSON.stringify({ prompt: `p${i}`, completion: `c${i}` })).join('\n'),
  );
  await page.evaluate((name) => (window.location.hash = `#/datasets?${new URLSearchParams({ file: name })}`), file);
  await expect(page.getByRole('button', { name: /^Add dataset|^Go on with/ })).toBeEnabled();
});

test('the end of a run is told on whatever page is open, with a way there', async ({ graft: page }) => {
  const { id } = await queueRun(page, await addParts(page), { train: { steps: 60, val: 0 } });
  const goOn = await haltAfter(page, id, 1);
  const pill = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: /^Run describe/ });
  await expect(pill).toBeVisible({ timeout: 60_000 });
  await expect(pill).toHaveAccessibleName(/\d+ %/, { timeout: 60_000 });
  goOn();
  await untilStatus(page, id, 'completed');
  const toast = page.getByText(/describe is trained/);
  await expect(toast).toBeVisible();
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(page).toHaveURL(/#\/runs\/run-/);
  await expect(pill).toHaveCount(0);
});
