/**
 * Step 4: Electron's binary, which its npm package fetches from GitHub (or ELECTRON_MIRROR) when
 * asked. Where it cannot be had that is remembered for a day, and Graft runs on the web host.
 */
import fs from 'node:fs';
import path from 'node:path';
import { node24Path } from './node24.mjs';
import { modules } from './paths.mjs';
import { hostAnswers } from './probe.mjs';
import { run } from './run.mjs';
import { say, withProgress } from './say.mjs';
import { readStamp, triedRecently, updateStamp } from './stamp.mjs';

const DOWNLOAD_LIMIT_MS = 20 * 60 * 1000;
const packageFolder = () => path.join(modules, 'electron');

/** Path of the binary; undefined when it is not installed. */
export function electronBinary() {
  const note = path.join(packageFolder(), 'path.txt');
  if (!fs.existsSync(note)) return undefined;
  const folder = process.env.ELECTRON_OVERRIDE_DIST_PATH ?? path.join(packageFolder(), 'dist');
  const binary = path.join(folder, fs.readFileSync(note, 'utf8').trim());
  return fs.existsSync(binary) ? binary : undefined;
}

/** Windows and macOS always have a display; elsewhere X11 or Wayland must name one. */
export function hasDisplay(env = process.env, platform = process.platform) {
  return platform === 'win32' || platform === 'darwin' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}

/** Whether a window can be shown at all. */
export function canShowWindow() {
  return hasDisplay() && !isRootOnLinux();
}

function isRootOnLinux() {
  return process.platform === 'linux' && process.getuid?.() === 0;
}

/** Installed, or known within a day not to be available. GRAFT_ELECTRON=retry forgets the latter. */
export function electronIsSettled() {
  if (electronBinary()) return true;
  return process.env.GRAFT_ELECTRON !== 'retry' && triedRecently(readStamp().electron);
}

/** Why there can be no window here, in a sentence or two; undefined when there can. */
export function noWindowReason() {
  if (!hasDisplay()) return 'There is no display for a window.';
  if (isRootOnLinux()) return "Electron's sandbox does not start as root.";
  if (electronBinary()) return undefined;
  return readStamp().electron?.reason ?? "Electron's binary has not been fetched yet.";
}

export async function setUpElectron() {
  const source = process.env.ELECTRON_MIRROR ?? process.env.npm_config_electron_mirror ?? 'https://github.com/';
  if (!(await hostAnswers(source))) {
    remember(`Electron's binary cannot be had here (${source} does not answer).`);
    return;
  }
  say(`electron: fetching its binary (about 120 MB) from ${source}`);
  const install = path.join(packageFolder(), 'install.js');
  const { code } = await withProgress('download', () => run(node24Path(), [install], { limitMs: DOWNLOAD_LIMIT_MS }));
  if (code !== 0 || !electronBinary()) remember(`Electron's binary did not install (code ${code}, see above).`);
}

/** The caller tells the user. @param {string} reason */
function remember(reason) {
  updateStamp({ electron: { reason: `${reason} GRAFT_ELECTRON=retry tries again.`, at: Date.now() } });
}
