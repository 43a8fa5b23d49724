/** Draws a plot with Chromium, the one program here that turns SVG into a PNG. */
import { systemChromium } from '../../scripts/lib/testNeeds.mjs';
import { GraftError } from '../../src-shared/errors.ts';
import { writeFileAtomic } from '../../src-main/files/writeWhole.ts';
import { plotSize, plotSvg, type Plot } from './plot.ts';

/** Device pixels per CSS pixel, so that text stays sharp. */
const SCALE = 2;

/** Throws NO_CHROMIUM where there is none. */
export async function writePng(plot: Plot, file: string): Promise<void> {
  const executablePath = systemChromium();
  if (!executablePath)
    throw new GraftError(
      'NO_CHROMIUM',
      'Plots are drawn by Chromium, and there is none here; install it and run the case with --docs again.',
    );
  const { chromium } = await import('@playwright/test');
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  try {
    const page = await browser.newPage({ viewport: plotSize(plot), deviceScaleFactor: SCALE });
    await page.setContent(`<body style="margin:0">${plotSvg(plot)}</body>`);
    writeFileAtomic(file, await page.screenshot());
  } finally {
    await browser.close();
  }
}
