/**
 * The official libtensorflow and the binding of tfjs-node, fetched without tfjs's own installer: each archive is
 * checked against a known hash before it is opened, and only the members that are needed are unpacked, by the system's
 * tar.
 */
import crypto from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from './run.mjs';
import { SetupError } from './say.mjs';

export const HOST = 'https://storage.googleapis.com/';
const LIBRARY = `${HOST}tensorflow/libtensorflow/libtensorflow-`;

/**
 * Hex sha256 by address. The host publishes none; these are what other projects have pinned for years, each found in at
 * least one that fetches the same address (wamuir/graft for Bazel, and nixpkgs where marked *).
 * @type {Record<string, string>}
 */
export const KNOWN = {
  [`${LIBRARY}cpu-linux-x86_64-2.9.1.tar.gz`]: '7f510d2546e3db5e10b1d119463689003d587842892ad3c95bca51cf82820173', // *
  [`${LIBRARY}gpu-linux-x86_64-2.9.1.tar.gz`]: '20c46f761d5905f592c4eac0812e8e50d9cb439f9440a9391912cf4c02ed8be8',
  [`${LIBRARY}cpu-darwin-x86_64-2.9.1.tar.gz`]: '56f83d3320ba0f69aaafd6c058645e1b7fbc75fb9a3fc36d6be98de1291ca226', // *
  [`${HOST}tf-builds/libtensorflow_r2_7_darwin_arm64_cpu.tar.gz`]:
    '13ab22b97e2af06e431aaeb7b42fb89981965dd01aa16da035d8210aa4183d79', // *
  [`${HOST}tf-builds/libtensorflow_r2_7_linux_arm64.tar.gz`]:
    '9395d1ff39f5b6847f5121e679ff4e599dc7061a2a7f87ceac061c78e908e6e3', // *
};

/**
 * What the official build of a system consists of.
 * @param {{ platform: string, arch: string, kind: 'cpu' | 'gpu', version: string }} system version: of tfjs-node
 */
export function officialParts({ platform, arch, kind, version }) {
  const names = /** @type {Record<string, string>} */ ({ linux: 'linux', darwin: 'darwin', win32: 'windows' });
  const name = names[platform];
  if (!name || !['x64', 'arm64'].includes(arch)) return undefined;
  const ending = platform === 'win32' ? 'zip' : 'tar.gz';
  const byArch = { darwin: 'libtensorflow_r2_7_darwin_arm64_cpu', linux: 'libtensorflow_r2_7_linux_arm64' };
  const library =
    arch === 'arm64' && (platform === 'darwin' || platform === 'linux')
      ? `${HOST}tf-builds/${byArch[platform]}.tar.gz`
      : `${LIBRARY}${platform === 'darwin' ? 'cpu' : kind}-${name}-x86_64-2.9.1.${ending}`;
  const addon = `${HOST}tf-builds/pre-built-binary/napi-v8/${version}/GPU-${name}-${version}.${ending}`;
  return { library, addon };
}

/**
 * The hash that an archive must have: Graft's own, or the one that the user has found out and vouches for.
 * @param {string} url
 * @param {string | undefined} given
 */
export function wantedHash(url, given) {
  if (KNOWN[url]) return KNOWN[url];
  return given && /^[0-9a-f]{64}$/i.test(given) ? given.toLowerCase() : undefined;
}

/** @param {string} file */
export async function sha256Of(file) {
  const hash = crypto.createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/**
 * Fetches `url` and unpacks `members` of it into `target`; an archive with another hash is deleted unopened.
 * @param {string} url
 * @param {{ given: string | undefined, variable: string, target: string, members: RegExp }} options variable: the name
 *   of the environment variable that `given` came from
 */
export async function fetchVerified(url, { given, variable, target, members }) {
  fs.mkdirSync(target, { recursive: true });
  const archive = path.join(target, `.archive-${process.pid}`);
  try {
    const answer = await fetch(url);
    if (!answer.ok || !answer.body) throw new SetupError(`${url} was answered with ${answer.status}.`);
    await pipeline(Readable.fromWeb(/** @type {any} */ (answer.body)), createWriteStream(archive));
    await unpackVerified(archive, url, { given, variable, target, members });
  } finally {
    fs.rmSync(archive, { force: true });
  }
}

/**
 * @param {string} archive file
 * @param {string} url where it came from
 * @param {{ given: string | undefined, variable: string, target: string, members: RegExp }} options
 */
export async function unpackVerified(archive, url, { given, variable, target, members }) {
  const got = await sha256Of(archive);
  const want = wantedHash(url, given);
  if (want === undefined)
    throw new SetupError(
      `Graft knows no hash of ${url}, so it was not opened. It has the sha256 ${got}; where you have that from a ` +
        `source that you trust, run again with ${variable}=${got}.`,
    );
  if (got !== want)
    throw new SetupError(`${url} does not have the known sha256 (${got} instead of ${want}), so it was not opened.`);
  const listed = await run('tar', ['-tf', archive], { output: 'capture' });
  const names = listed.output.split(/\r?\n/).filter((name) => members.test(name) && !name.split('/').includes('..'));
  if (listed.code !== 0 || names.length === 0) throw new SetupError(`${url} holds none of the files that are needed.`);
  const { code } = await run('tar', ['-xf', archive, '-C', target, '--no-same-owner', ...names], {
    output: 'inherit',
  });
  if (code !== 0) throw new SetupError(`tar ended with code ${code} while unpacking ${url}.`);
}
