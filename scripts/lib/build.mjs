/** Step 5: `electron-vite build` into out/, when the sources are not those of the last build. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { node24Path, toolPath } from './node24.mjs';
import { root } from './paths.mjs';
import { run } from './run.mjs';
import { say, SetupError, withProgress } from './say.mjs';

/** The bundle of one of the app's processes: `cli`, `serve` or `worker`. @param {string} name */
export const built = (name) => path.join(root, 'out/main', `${name}.js`);

const SOURCES = [
  'src-main',
  'src-shared',
  'src-renderer',
  'electron.vite.config.ts',
  'svelte.config.js',
  'package-lock.json',
];
const stampFile = (/** @type {string} */ folder) => path.join(folder, 'out', '.graft-build');

/**
 * One hash over names and contents of all that the build reads; tests are left out.
 * @param {string} [folder] the repository
 */
export function sourceHash(folder = root) {
  const hash = crypto.createHash('sha256');
  for (const file of SOURCES.flatMap((name) => filesBelow(path.join(folder, name)))) {
    hash
      .update(`${path.relative(folder, file)}\0`)
      .update(fs.readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

/** @param {string} place @returns {string[]} */
function filesBelow(place) {
  const stat = fs.statSync(place, { throwIfNoEntry: false });
  if (!stat) return [];
  if (stat.isFile()) return /\.test\.m?[jt]s$/.test(place) ? [] : [place];
  return fs
    .readdirSync(place)
    .sort()
    .flatMap((name) => filesBelow(path.join(place, name)));
}

/** @param {string} [folder] */
export function buildIsCurrent(folder = root) {
  if (!fs.existsSync(path.join(folder, 'out/renderer/index.html'))) return false;
  const stamp = stampFile(folder);
  return fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === sourceHash(folder);
}

export async function buildApp() {
  say('build: bundling the app into out/');
  const hash = sourceHash();
  fs.rmSync(stampFile(root), { force: true });
  const { code, output } = await withProgress('build', () =>
    run(node24Path(), [toolPath('electron-vite'), 'build', '--logLevel', 'warn'], { output: 'capture' }),
  );
  if (code !== 0) {
    process.stderr.write(output);
    throw new SetupError(`the build ended with code ${code}; its own words are above.`);
  }
  fs.writeFileSync(stampFile(root), hash);
}
