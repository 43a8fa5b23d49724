/** Without a mouse: through the wizard with Tab, Space and the arrow keys to a started run, and about its page. */
import type { Locator, Page } from '@playwright/test';
import { ask, expect, test } from './fixtures.ts';
import { addParts, untilStatus } from './realRuns.ts';

const MOST_STOPS = 150;
const MOST_FRAMES = 60;

/** Presses Tab until `target` has the focus; every stop on the way must be one that a user sees. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  const stops: string[] = [];
  const wanted = await target.elementHandle();
  if (await target.evaluate((element) => element === document.activeElement)) return;
  for (let i = 0; i < MOST_STOPS; i++) {
    await page.keyboard.press('Tab');
    const { isWanted, ...stop } = await page.evaluate(
      async ({ element, mostFrames }) => {
        const stop = document.activeElement!;
        const inWindow = (): boolean => {
          const box = stop.getBoundingClientRect();
          return box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
        };
        // What scrolls to the focus, or slides in with it, may take some frames.
        for (let frame = 0; frame === 0 || (frame < mostFrames && !inWindow()); frame++)
          await new Promise(requestAnimationFrame);
        return {
          isWanted: stop === element,
          what: stop.outerHTML.slice(0, 120),
          seen: inWindow() || stop === document.body,
          // The parts of a date have the focus one after the other, which the browser marks itself.
          ringed: stop.matches(':focus-visible, body, input[type=datetime-local]'),
        };
      },
      { element: wanted, mostFrames: MOST_FRAMES },
    );
    stops.push(stop.what);
    expect(stop, stop.what).toMatchObject({ seen: true, ringed: true });
    if (isWanted) return;
  }
  throw new Error(`Tab does not come there; it stops at:\n${stops.slice(-40).join('\n')}`);
}

async function press(page: Page, target: Locator, key: 'Enter' | 'Space' = 'Enter'): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

test('from the navigation to a started run, and through its graphs', async ({ graft: page }) => {
  await addParts(page);
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Home', level: 1 })).toBeVisible();
  const main = page.getByRole('main');
  const step = (name: string): Locator =>
    page.getByRole('navigation', { name: 'Steps of the new run' }).getByRole('button', { name });

  await press(page, page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'New run' }));
  await expect(page.getByRole('heading', { name: 'New run', level: 1 })).toBeVisible();
  const next = main.getByRole('button', { name: 'Next', exact: true });
  await tabTo(page, main.getByRole('radio', { name: /Starter/ }));
  await page.keyboard.press('Space');
  await press(page, next);
  await expect(step('Data')).toHaveAttribute('aria-current', 'step');
  await press(page, next);
  await expect(step('Method & targets')).toHaveAttribute('aria-current', 'step');
  await press(page, next);
  await expect(step('Schedule')).toHaveAttribute('aria-current', 'step');

  await page.keyboard.press('Shift+Tab');
  const epochs = main.getByRole('radio', { name: 'Epochs', exact: true });
  for (let i = 0; i < MOST_STOPS && !(await epochs.evaluate((one) => one === document.activeElement)); i++)
    await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('ArrowLeft');
  await expect(main.getByRole('radio', { name: 'Steps', exact: true })).toBeChecked();
  await tabTo(page, main.getByLabel('Steps', { exact: true }).and(main.locator('input')));
  await page.keyboard.press('Control+a');
  await page.keyboard.type('30');
  await press(page, main.getByRole('button', { name: 'Review and start' }));
  await expect(step('Review')).toHaveAttribute('aria-current', 'step');
  await press(page, main.getByRole('button', { name: 'Start training' }));
  await expect(page).toHaveURL(/#\/runs\/run-/);

  const [run] = await ask<{ id: string; spec: { train: { steps: number } } }[]>(page, 'runs.list');
  expect(run!.spec.train.steps).toBe(30);
  await untilStatus(page, run!.id, 'completed');
  const cursor = main.getByRole('slider', { name: 'Loss by step: cursor' });
  await expect(cursor).toHaveAttribute('aria-valuemax', '30');
  await tabTo(page, cursor);
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await expect(cursor).toHaveAttribute('aria-valuenow', '2');
  const handle = main.getByRole('separator', { name: 'Width of the graphs' });
  await tabTo(page, handle);
  const before = Number(await handle.getAttribute('aria-valuenow'));
  await page.keyboard.press('ArrowLeft');
  await expect(handle).toHaveAttribute('aria-valuenow', String(before - 2));
  await page.keyboard.press('Enter');
  await expect(handle).toHaveAttribute('aria-valuenow', String(before));
  await tabTo(page, main.getByRole('log'));
});
