/** Browser tests: the web host in Chromium, and the Electron app where its binary is installed. */
import { defineConfig } from '@playwright/test';
import { electronBinary } from './scripts/lib/electron.mjs';
import { setTestEnvironment } from './scripts/lib/testEnvironment.mjs';
import { systemChromium } from './scripts/lib/testNeeds.mjs';

setTestEnvironment();

const quiet = [
  '--disable-gpu',
  '--in-process-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
// Chromium's own sandbox does not start as root.
const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'e2e/artifacts',
  workers: 1,
  timeout: 180_000,
  // A busy machine is slow, not wrong.
  expect: { timeout: 20_000 },
  forbidOnly: Boolean(process.env['CI']),
  reporter: [
    ['list'],
    ['json', { outputFile: process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'] ?? '.cache/playwright.json' }],
  ],
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 860 },
    screenshot: 'only-on-failure',
    // A trace costs every test, not only the one that fails: `npm run test:e2e -- --trace retain-on-failure SPEC`.
    trace: 'off',
    launchOptions: { executablePath: systemChromium(), args: [...quiet, ...asRoot] },
  },
  projects: [{ name: 'web' }, ...(electronBinary() ? [{ name: 'electron' }] : [])],
});
