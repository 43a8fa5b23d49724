/** What only the tests need: a browser, a Vulkan driver for the webgpu engine, and both kinds of MPI. */
import fs from 'node:fs';
import { aptInstall, debianAsRoot, installedVersion } from './debian.mjs';
import { node24Path, toolPath } from './node24.mjs';
import { modules } from './paths.mjs';
import { hostAnswers } from './probe.mjs';
import { run } from './run.mjs';
import { say, withProgress } from './say.mjs';
import { readStamp, triedRecently, updateStamp } from './stamp.mjs';

const WITH_WINDOWS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** The same browser without windows: it takes the journeys a seventh less of the processor. */
const HEADLESS_SHELL = '/usr/bin/chromium-headless-shell';
const ICD_FOLDERS = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];
/** Mesa whose software driver (lavapipe) has what Dawn asks for; bookworm's own is 22.3. */
const FIRST_GOOD_MESA = 24;

/** The system's Chromium, the one without windows if it is there; undefined when there is none. */
export function systemChromium() {
  return [HEADLESS_SHELL, ...WITH_WINDOWS].find((file) => fs.existsSync(file));
}

/** The system's Chromium that can show windows, undefined when there is none. */
export function windowedChromium() {
  return WITH_WINDOWS.find((file) => fs.existsSync(file));
}

/** @returns {Promise<boolean>} whether the browser tests can run */
export async function ensureBrowser() {
  if (debianAsRoot()) await ensureHeadlessShell();
  if (systemChromium() || (await playwrightBrowserIsThere())) return true;
  if (!debianAsRoot() && (await hostAnswers('https://cdn.playwright.dev/'))) {
    say("browser: fetching Playwright's Chromium from https://cdn.playwright.dev/");
    const args = [toolPath('playwright'), 'install', 'chromium'];
    if ((await withProgress('download', () => run(node24Path(), args))).code === 0) return true;
  }
  say('browser: no Chromium can be had here, so the Playwright specs (e2e) are skipped; install Chromium to run them.');
  return false;
}

/** Of the version of the Chromium that is there, with which it shares files. */
async function ensureHeadlessShell() {
  if (fs.existsSync(HEADLESS_SHELL)) return;
  const version = await installedVersion('chromium');
  if (version && triedRecently(readStamp().headlessShell)) return;
  const name = version ? `chromium-headless-shell=${version}` : 'chromium-headless-shell';
  if ((await aptInstall([name])) || !version) return;
  updateStamp({ headlessShell: { reason: `Debian does not offer ${name} here.`, at: Date.now() } });
}

async function playwrightBrowserIsThere() {
  const script = "process.stdout.write(require('@playwright/test').chromium.executablePath())";
  const { code, output } = await run(node24Path(), ['-e', script], { output: 'capture', cwd: modules });
  return code === 0 && fs.existsSync(output.trim());
}

/** Without a driver the webgpu tests skip themselves, each with a line that says so. */
export async function ensureVulkan() {
  if (process.platform !== 'linux') return;
  const codename = debianAsRoot();
  const names = ['mesa-vulkan-drivers', 'libvulkan1'];
  if (codename) {
    const mesa = await installedVersion('mesa-vulkan-drivers');
    if (majorVersion(mesa) >= FIRST_GOOD_MESA && (await installedVersion('libvulkan1'))) return;
    if (await aptInstall(names, codename === 'bookworm' ? 'bookworm-backports' : undefined)) return;
  } else if (ICD_FOLDERS.some((folder) => fs.existsSync(folder) && fs.readdirSync(folder).length > 0)) {
    return;
  }
  say(
    'vulkan: no driver can be had here, so the tests of the webgpu engine are skipped; install ' +
      'mesa-vulkan-drivers 24 or newer to run them.',
  );
}

/** Without one of them the runs over MPI that it would start skip themselves, each with a line that says so. */
export async function ensureMpi() {
  if (!debianAsRoot()) return;
  const wanted = { 'openmpi-bin': '/usr/bin/mpirun.openmpi', mpich: '/usr/bin/mpirun.mpich' };
  const missing = Object.entries(wanted).flatMap(([name, file]) => (fs.existsSync(file) ? [] : [name]));
  if (missing.length > 0) await aptInstall(missing);
}

/** Of a Debian version such as 25.0.7-2~bpo12+1; 0 for ''. @param {string} version */
export function majorVersion(version) {
  return Number(/^(?:\d+:)?(\d+)/.exec(version)?.[1] ?? 0);
}
