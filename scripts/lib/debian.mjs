/** Debian's packages, for tests that need a browser or a software Vulkan driver; only as root on Debian. */
import fs from 'node:fs';
import { run } from './run.mjs';
import { say, withProgress } from './say.mjs';

const QUIET = { DEBIAN_FRONTEND: 'noninteractive' };
/** Named so that removing it is easy; apt reads every file of that folder. */
const BACKPORTS_LIST = '/etc/apt/sources.list.d/graft-backports.list';

/**
 * ID and codename from the text of /etc/os-release.
 * @param {string} text
 */
export function parseOsRelease(text) {
  /** @param {string} key */
  const field = (key) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), codename: field('VERSION_CODENAME') };
}

/** The codename of this Debian when we are root on one, else undefined. */
export function debianAsRoot() {
  if (process.getuid?.() !== 0 || !fs.existsSync('/etc/os-release')) return undefined;
  const { id, codename } = parseOsRelease(fs.readFileSync('/etc/os-release', 'utf8'));
  return id === 'debian' ? codename || 'debian' : undefined;
}

/**
 * Installs packages; false when apt-get could not.
 * @param {string[]} names
 * @param {string} [release] for example bookworm-backports
 */
export async function aptInstall(names, release) {
  say(`system packages: installing ${names.join(' ')} from Debian${release ? ` (${release})` : ''}`);
  if (release) await addRelease(release);
  const target = release ? ['-t', release] : [];
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...target, ...names];
  const { code, output } = await withProgress('apt-get', async () => {
    const lists = await apt(['update', '-qq']);
    return lists.code === 0 ? apt(install) : lists;
  });
  if (code !== 0) say(`apt-get could not: ${output.trim().split('\n').at(-1)}`);
  return code === 0;
}

/** @param {string[]} args */
function apt(args) {
  return run('apt-get', args, { output: 'capture', env: QUIET });
}

/** Adds the release to apt's sources unless apt knows it already. @param {string} release */
async function addRelease(release) {
  const { output } = await run('apt-cache', ['policy'], { output: 'capture' });
  if (output.includes(`a=${release}`) || output.includes(`n=${release}`)) return;
  fs.writeFileSync(BACKPORTS_LIST, `deb http://deb.debian.org/debian ${release} main\n`);
}

/** Installed version, '' when it is not. @param {string} name */
export async function installedVersion(name) {
  const { code, output } = await run('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Version}', name], {
    output: 'capture',
  });
  const [status, version] = output.trim().split(' ');
  return code === 0 && status === 'installed' ? (version ?? '') : '';
}
