/**
 * Step 1: node_modules as package-lock.json says, by `npm ci`. The stamp is written only after
 * npm has ended well, so an interrupted install is simply done again.
 */
import fs from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';
import { npmCommand, run } from './run.mjs';
import { say, SetupError, withProgress } from './say.mjs';
import { readStamp, sha256OfFile, updateStamp } from './stamp.mjs';

/**
 * @param {string} [folder] the repository
 */
export function dependenciesAreCurrent(folder = root) {
  return (
    readStamp(path.join(folder, 'node_modules')).lockSha256 === sha256OfFile(path.join(folder, 'package-lock.json'))
  );
}

/**
 * True when somebody's own `npm ci` has already installed all that the lock file names: npm writes
 * node_modules/.package-lock.json at its end, with what it installed.
 * @param {string} [folder] the repository
 */
export function installedByHand(folder = root) {
  const hidden = path.join(folder, 'node_modules/.package-lock.json');
  if (!fs.existsSync(hidden)) return false;
  const wanted = JSON.parse(fs.readFileSync(path.join(folder, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(fs.readFileSync(hidden, 'utf8')).packages;
  return Object.entries(wanted).every(([place, entry]) => {
    // An extraneous entry is a leftover in the lock file that npm ci does not install.
    if (place === '' || entry.extraneous === true) return true;
    const found = installed[place];
    if (!found) return entry.optional === true || entry.devOptional === true;
    return found.version === entry.version && fs.existsSync(path.join(folder, place, 'package.json'));
  });
}

export async function installDependencies() {
  const lockSha256 = sha256OfFile(path.join(root, 'package-lock.json'));
  if (!installedByHand()) {
    say('dependencies: installing what package-lock.json names, from your npm registry (a minute or two)');
    // Without --include a NODE_ENV=production in the environment would leave out the build tools.
    const [command, args] = npmCommand(['ci', '--loglevel=error', '--include=dev', '--include=optional']);
    const { code } = await withProgress('npm ci', () => run(command, args));
    if (code !== 0) {
      throw new SetupError(
        `npm ci ended with code ${code} (its own words are above); check the connection to your npm registry ` +
          'and run the command again.',
      );
    }
  }
  updateStamp({ lockSha256 });
}
