/** Room: panes side by side in a wide window with a separator that stays where it was put, density and text size. */
import type { Locator, Page } from '@playwright/test';
import { expect, goTo, test } from './fixtures.ts';
import { addParts, openHash, train } from './realRuns.ts';

const WIDE = { width: 1920, height: 1080 };
const USUAL = { width: 1280, height: 860 };

const separator = (page: Page, name: string): Locator => page.getByRole('separator', { name });

/** Once it stays where it is: a page lays itself out a frame after it has been told, and panes slide. */
async function boxOf(locator: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  await expect(locator).toBeVisible();
  let box = (await locator.boundingBox())!;
  const stays = async (): Promise<boolean> => {
    const before = box;
    box = (await locator.boundingBox())!;
    return JSON.stringify(box) === JSON.stringify(before);
  };
  await expect.poll(stays, { intervals: [100] }).toBe(true);
  return box;
}

/** Computed, in pixels. */
function fontSize(locator: Locator): Promise<number> {
  return locator.evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
}

test('graphs and settings of a run share a wide window as its separator says', async ({ graft: page }) => {
  const run = await train(page, await addParts(page), { train: { steps: 2 } });
  await page.setViewportSize(WIDE);
  await openHash(page, `#/runs/${run.id}`);
  const handle = separator(page, 'Width of the graphs');
  const graphs = page.getByRole('region', { name: 'Loss' });
  const settings = page.getByRole('region', { name: 'Settings' });
  await expect(settings).toBeVisible();
  const before = await boxOf(graphs);
  await expect.poll(async () => (await boxOf(settings)).x).toBeGreaterThan(before.x + before.width);
  await expect
    .poll(async () => (await boxOf(graphs)).width + (await boxOf(settings)).width, 'together they use the width')
    .toBeGreaterThan(1600);
  const start = Number(await handle.getAttribute('aria-valuenow'));

  await test.step('arrow keys', async () => {
    await handle.focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
    await expect(handle).toHaveAttribute('aria-valuenow', String(start + 10));
    await expect.poll(async () => (await boxOf(graphs)).width).toBeGreaterThan(before.width + 100);
    // The drawing follows its frame.
    await expect.poll(async () => (await boxOf(graphs.locator('canvas'))).width).toBeGreaterThan(before.width);
    await page.keyboard.press('End');
    await expect(handle).toHaveAttribute('aria-valuenow', (await handle.getAttribute('aria-valuemax'))!);
    await page.keyboard.press('Home');
    await expect(handle).toHaveAttribute('aria-valuenow', (await handle.getAttribute('aria-valuemin'))!);
  });

  await test.step('the pointer, and it stays', async () => {
    const at = await boxOf(handle);
    await page.mouse.move(at.x + at.width / 2, at.y + 40);
    await page.mouse.down();
    await page.mouse.move(1300, at.y + 40, { steps: 4 });
    await page.mouse.up();
    await expect.poll(async () => Math.abs((await boxOf(handle)).x + at.width / 2 - 1300)).toBeLessThan(24);
    const put = (await boxOf(handle)).x;
    await page.reload();
    await expect(settings).toBeVisible();
    await expect.poll(async () => Math.abs((await boxOf(handle)).x - put)).toBeLessThan(2);
  });

  await test.step('a double click puts it back', async () => {
    await handle.dblclick({ position: { x: 8, y: 30 } });
    await expect(handle).toHaveAttribute('aria-valuenow', String(start));
    await expect.poll(async () => (await boxOf(graphs)).width).toBeCloseTo(before.width, 0);
  });

  await test.step('in a usual window one stands below the other', async () => {
    await page.setViewportSize(USUAL);
    await expect(handle).toBeHidden();
    const upper = await boxOf(graphs);
    expect((await boxOf(settings)).y).toBeGreaterThan(upper.y + upper.height);
  });
});

test('compact rows and larger texts are chosen in Settings or by command, and stay', async ({ graft: page }) => {
  await addParts(page);
  await goTo(page, 'Datasets');
  const row = page.getByRole('row', { name: /Sample: describe/ });
  const heading = page.getByRole('heading', { level: 1 });
  const [high, large] = [(await boxOf(row)).height, await fontSize(heading)];
  await goTo(page, 'Settings');
  // What stands above it has come, so that it stays where it is.
  await expect(page.getByText(/^usable$/).first()).toBeVisible({ timeout: 60_000 });
  await page.getByRole('radio', { name: 'Compact' }).check();
  await goTo(page, 'Datasets');
  await expect.poll(async () => (await boxOf(row)).height).toBeLessThan(0.9 * high);
  await page.reload();
  await expect.poll(async () => (await boxOf(row)).height).toBeLessThan(0.9 * high);

  for (const [typed, name] of [
    ['comfortable', 'Comfortable rows'],
    ['largest', 'Largest text'],
  ] as const) {
    await page.keyboard.press('Control+k');
    const palette = page.getByRole('dialog', { name: 'Go to' });
    await palette.getByRole('combobox').fill(typed);
    await expect(palette.getByRole('option', { name })).toBeVisible();
    await page.keyboard.press('Enter');
    await expect(palette).toHaveCount(0);
  }
  await expect.poll(() => fontSize(heading)).toBeCloseTo(1.3 * large, 1);
  await expect.poll(async () => (await boxOf(row)).height).toBeGreaterThan(high);
  await page.reload();
  await expect.poll(() => fontSize(heading)).toBeCloseTo(1.3 * large, 1);
  const main = page.getByRole('main');
  expect(await main.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
});
