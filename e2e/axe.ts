/** No serious or critical violation of the accessibility rules, in both themes. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { expect, type Page } from '@playwright/test';
import type { AxeResults, RunOptions } from 'axe-core';

const THEMES = ['light', 'dark'] as const;
/** All that a theme can change: colours. Names, roles and structure are the same in both. */
const RULES_OF_COLOUR = ['color-contrast', 'link-in-text-block'];
const SOURCE = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

type Audited = typeof globalThis & { axe?: { run(options: RunOptions): Promise<AxeResults> } };

/** Checks the page as it stands (an open dialog included), once per theme; the theme must be left at `system`. */
export async function expectAccessible(page: Page, themes: readonly (typeof THEMES)[number][] = THEMES): Promise<void> {
  // Read by the page once: it is half a megabyte of script. The protocol evaluates it whatever the page's policy says.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(SOURCE);
  // What waits for an answer is pale.
  await expect(page.locator('aside [aria-busy=true]')).toHaveCount(0);
  for (const theme of themes) {
    await page.emulateMedia({ colorScheme: theme });
    const rules = theme === 'light' ? {} : { runOnly: { type: 'rule' as const, values: RULES_OF_COLOUR } };
    const grave = await page.evaluate(async (options) => {
      // The page hears of the switch in its next frame, and colours then fade, what inherits them a little later. One
      // on its way would be measured.
      const frame = () => new Promise(requestAnimationFrame);
      // In what is closed, Chromium keeps those that have finished.
      const moving = () => document.getAnimations().filter(({ playState }) => playState !== 'finished');
      // Their own promises are not waited for: that of one which a later change has replaced never comes.
      const end = performance.now() + 10_000;
      let still = 0;
      while (still < 3 && performance.now() < end) {
        await frame();
        still = moving().length > 0 ? 0 : still + 1;
      }
      const { violations } = await (globalThis as Audited).axe!.run({ resultTypes: ['violations'], ...options });
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} (${node.failureSummary})`).join('; ')}`);
    }, rules);
    expect(grave, theme).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null });
}
