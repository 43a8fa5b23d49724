/** The page in German: chosen in Settings or asked for by the system, and back to English. */
import { expectAccessible } from './axe.ts';
import { ask, expect, goTo, keepScreenshot, test } from './fixtures.ts';

test('Deutsch in Settings turns the page German, and English turns it back', async ({ graft: page }) => {
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await goTo(page, 'Settings');
  await page.getByLabel('Language').selectOption({ label: 'Deutsch' });
  await expect(page.getByRole('heading', { name: 'Einstellungen', level: 1 })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await expect.poll(() => ask<{ language: string }>(page, 'system.settings')).toMatchObject({ language: 'de' });
  await expectAccessible(page);
  await keepScreenshot(page, 'settings-german');

  const pages = page.getByRole('navigation', { name: 'Seiten' });
  await pages.getByRole('link', { name: 'Modelle' }).click();
  await expect(page.getByRole('heading', { name: 'Modell hinzufügen' })).toBeVisible();
  await page.getByRole('button', { name: 'Startmodell hinzufügen' }).click();
  // Numbers as they are written in German.
  await expect(page.getByText(/^\d{3}\.\d{3}$/).first()).toBeVisible();
  await expectAccessible(page);

  await pages.getByRole('link', { name: 'Neuer Lauf' }).click();
  await expect(page.getByRole('heading', { name: 'Welches Modell lernt?' })).toBeVisible();
  await page.getByRole('button', { name: 'Weiter' }).click();
  await expect(page.getByText('Noch kein Datensatz')).toBeVisible();
  await expectAccessible(page);

  await pages.getByRole('link', { name: 'Einstellungen' }).click();
  await page.getByLabel('Sprache').selectOption({ label: 'English' });
  await expect(page.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
});

test('a German system gets German without a choice', async ({ graft: page, browser }) => {
  const context = await browser.newContext({
    locale: 'de-AT',
    storageState: await page.context().storageState(),
  });
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.locator('html')).toHaveAttribute('lang', 'de');
  await expect(other.getByRole('heading', { name: 'Den ersten Adapter trainieren' })).toBeVisible();
  await context.close();
});
