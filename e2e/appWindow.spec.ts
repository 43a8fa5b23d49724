/** The page as a window of its own without the browser's bars: the nearest to Electron's shell without Electron. */
import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { windowedChromium } from '../scripts/lib/testNeeds.mjs';
import { expect, test } from './fixtures.ts';
import { startWebHost } from './host.ts';

const XVFB_NUMBER = ':97';

function hasXvfb(): boolean {
  try {
    execFileSync('Xvfb', ['-help'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

test('opens in an app window, goes on after a reload', async ({ home }, testInfo) => {
  testInfo.skip(testInfo.project.name === 'electron', 'Electron is the window itself.');
  testInfo.skip(!hasXvfb(), 'Xvfb is not installed here, so no window can be shown.');
  testInfo.skip(!windowedChromium(), 'Only a Chromium without windows is installed here.');
  const display: ChildProcess = spawn('Xvfb', [XVFB_NUMBER, '-screen', '0', '1280x860x24', '-nolisten', 'tcp']);
  const host = await startWebHost(home);
  try {
    const context = await chromium.launchPersistentContext(path.join(home, 'chromium'), {
      executablePath: windowedChromium(),
      headless: false,
      viewport: null,
      env: { ...process.env, DISPLAY: XVFB_NUMBER },
      args: [`--app=${host.url}`, '--no-first-run', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    });
    const page = context.pages()[0] ?? (await context.waitForEvent('page'));
    await expect(page.getByRole('heading', { name: 'Home', level: 1 })).toBeVisible();
    expect(await page.evaluate(() => matchMedia('(display-mode: standalone)').matches)).toBe(true);
    await page.reload();
    await expect(page.getByRole('heading', { name: 'Home', level: 1 })).toBeVisible();
    expect(new URL(page.url()).hash).not.toContain('graft-session');
    await context.close();
  } finally {
    await host.close();
    display.kill();
  }
});
