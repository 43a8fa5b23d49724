/** No serious or critical violation of the accessibility rules, in both themes. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

const THEMES = ['light', 'dark'] as const;
/** All that a theme can change: colours. Names, roles and structure are the same in both. */
const RULES_OF_COLOUR = ['color-contrast', 'link-in-text-block'];

/** Checks the page as it stands (an open dialog included), once per theme; the theme must be left at `system`. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    // Colours fade for a moment after the switch; a colour on its way would be measured.
    await page.evaluate(() =>
      Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => undefined))),
    );
    // Legacy mode: no second page is opened to gather the results, as only frames would need it.
    const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] });
    const { violations } = await (theme === 'light' ? axe : axe.withRules(RULES_OF_COLOUR)).analyze();
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(
      grave.map(
        ({ id, nodes }) =>
          `${theme}: ${id}: ${nodes.map(({ html, failureSummary }) => `${html} (${failureSummary})`).join('; ')}`,
      ),
    ).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null });
}
