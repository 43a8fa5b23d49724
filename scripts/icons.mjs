/** Draws resources/icon/graft.svg in every size that the packages need. Needs Chromium; its output is committed. */
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from '@playwright/test';
import { icnsFile, icoFile, ICNS_TYPES } from './lib/iconFiles.mjs';
import { root } from './lib/paths.mjs';
import { systemChromium } from './lib/testNeeds.mjs';

const folder = path.join(root, 'resources', 'icon');
const svg = fs.readFileSync(path.join(folder, 'graft.svg'), 'utf8');
const SIZES = [16, 32, 48, 64, 128, 256, 512, 1024];

const browser = await chromium.launch({
  executablePath: systemChromium(),
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const page = await browser.newPage();
const images = [];
for (const size of SIZES) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(
    `<style>* { margin: 0 } svg { display: block; width: ${size}px; height: ${size}px }</style>${svg}`,
  );
  images.push({ size, png: await page.screenshot({ omitBackground: true }) });
}
await browser.close();

fs.mkdirSync(path.join(folder, 'linux'), { recursive: true });
for (const { size, png } of images.filter(({ size }) => size <= 512))
  fs.writeFileSync(path.join(folder, 'linux', `${size}x${size}.png`), png);
fs.writeFileSync(path.join(folder, 'icon.ico'), icoFile(images.filter(({ size }) => size <= 256)));
fs.writeFileSync(path.join(folder, 'icon.icns'), icnsFile(images.filter(({ size }) => size in ICNS_TYPES)));
