/**
 * TensorFlow from the npm registry, for machines that reach no other host: the CPU build of
 * libtensorflow 1.15 (linux x64, glibc) and the binding that an npm package carries. It is kept in
 * the cache folder, in the layout that tfjs-node expects:
 *
 *     tensorflow/lambda-1.6.1/lib/napi-v8/tfjs_binding.node
 *     tensorflow/lambda-1.6.1/deps/lib/libtensorflow.so.1.15.0 …
 */
import crypto from 'node:crypto';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { cacheFolder } from './paths.mjs';
import { sha256Of } from './libtensorflow.mjs';
import { npmCommand, run } from './run.mjs';
import { say, SetupError, withProgress } from './say.mjs';

export const PACKAGE = 'tfjs-node-lambda-releases@1.6.1';
const INTEGRITY = 'sha512-D275PZpxsKenTuiPnvIE5T+D5JrT4aU9M3EDCedBQKlP0hUB7011Yzg8CAJ6MBIog9Lq90aaEair4yrBBlk61w==';
/** A tar of a node_modules folder, compressed by brotli, inside the package's own tar. */
const MEMBER = 'package/nodejs12.x-tf2.7.0.br';
const INSIDE = 'node_modules/@tensorflow/tfjs-node';
/** What a whole unpacked folder holds; the tarball is pinned, so the sizes are too. */
const SIZES = {
  'lib/napi-v8/tfjs_binding.node': 83208,
  'deps/lib/libtensorflow.so.1.15.0': 215119120,
  'deps/lib/libtensorflow_framework.so.1.15.0': 35226832,
};
/** Hex sha256 of the same files, as they came out of the pinned tarball. */
const SHA256 = {
  'lib/napi-v8/tfjs_binding.node': '49a5197e63982786cfff5af282d5bfefd8b55a728daa04925b031ced6d4dc0c5',
  'deps/lib/libtensorflow.so.1.15.0': '95590cd1cbe4fcd2065e17b2c797a39e2ee31b499d081aff77d3b70a93818daa',
  'deps/lib/libtensorflow_framework.so.1.15.0': '0217782c0ef974979ea371efa2b672622cd4486d2ec2746d24277a5f50d63e09',
};
const DAY_MS = 24 * 60 * 60 * 1000;

export function bundledFolder() {
  return path.join(cacheFolder(), 'tensorflow', 'lambda-1.6.1');
}

/** Linux x64 with glibc: what the build in the package was made for. */
export function bundledRunsHere() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header?.glibcVersionRuntime !== undefined;
}

/**
 * @param {string} folder
 * @param {Record<string, number>} [sizes] file -> bytes
 */
export function isWhole(folder, sizes = SIZES) {
  return Object.entries(sizes).every(([file, sizeBytes]) => {
    const stat = fs.statSync(path.join(folder, file), { throwIfNoEntry: false });
    return stat?.size === sizeBytes;
  });
}

/**
 * Whether a cached folder still holds the very files; asked when it is linked, since it takes a second.
 * @param {string} folder
 * @param {Record<string, string>} [hashes] file -> sha256
 */
export async function isUnchanged(folder, hashes = SHA256) {
  for (const [file, want] of Object.entries(hashes))
    if ((await sha256Of(path.join(folder, file))) !== want) return false;
  return true;
}

/**
 * Throws, and deletes the file, when it is not the pinned one.
 * @param {string} file
 * @param {string} [integrity] `sha512-` and base64, as in package-lock.json
 */
export async function verifyIntegrity(file, integrity = INTEGRITY) {
  const hash = crypto.createHash('sha512');
  await pipeline(fs.createReadStream(file), hash);
  if (`sha512-${hash.digest('base64')}` === integrity) return;
  fs.rmSync(file, { force: true });
  throw new SetupError(
    `${path.basename(file)} does not have the pinned sha512, so it was deleted unopened; check which registry ` +
      'npm uses here.',
  );
}

/**
 * Makes sure that the cache holds the library; returns its folder.
 * Safe to run twice at a time: each works in its own folder and renames it in one step.
 */
export async function ensureBundled() {
  const target = bundledFolder();
  if (isWhole(target)) {
    if (await isUnchanged(target)) return target;
    say(`tensorflow: the files in ${target} are not those that were put there; they are fetched again`);
    fs.rmSync(target, { recursive: true, force: true });
  }
  const parent = path.dirname(target);
  fs.mkdirSync(parent, { recursive: true });
  removeOldPartials(parent);
  const work = fs.mkdtempSync(path.join(parent, '.lambda-1.6.1.partial-'));
  try {
    say(`tensorflow: fetching ${PACKAGE} (195 MB) from your npm registry into ${target}`);
    const tarball = await withProgress('download', () => download(work));
    await verifyIntegrity(tarball);
    say('tensorflow: unpacking (250 MB)');
    const fresh = path.join(work, 'tensorflow');
    await withProgress('unpacking', () => unpack(tarball, fresh));
    if (!isWhole(fresh))
      throw new SetupError(`${PACKAGE} did not unpack to the expected files; is the disk of ${parent} full?`);
    replaceFolder(fresh, target, isWhole);
    return target;
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} folder */
async function download(folder) {
  const [command, args] = npmCommand(['pack', PACKAGE, '--silent', '--pack-destination', folder]);
  const { code, output } = await run(command, args, { output: 'capture' });
  const name = fs.readdirSync(folder).find((entry) => entry.endsWith('.tgz'));
  if (code !== 0 || !name) {
    const reason = output.trim().split('\n').at(-1);
    throw new SetupError(`npm could not fetch ${PACKAGE}${reason ? ` (${reason})` : ''}.`);
  }
  return path.join(folder, name);
}

/**
 * @param {string} tarball
 * @param {string} target new folder
 */
async function unpack(tarball, target) {
  const raw = `${target}.raw`;
  fs.mkdirSync(raw);
  const outer = spawn('tar', ['-xzOf', tarball, MEMBER], { stdio: ['ignore', 'pipe', 2] });
  const inner = spawn(
    'tar',
    ['-xf', '-', '-C', raw, '--no-same-owner', `${INSIDE}/lib/napi-v6/tfjs_binding.node`, `${INSIDE}/deps`],
    { stdio: ['pipe', 2, 2] },
  );
  if (!outer.stdout || !inner.stdin) throw new SetupError('tar could not be started.');
  const ended = [outer, inner].map(
    (child) =>
      new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code) =>
          code === 0 ? resolve(0) : reject(new SetupError(`tar ended with code ${code} while unpacking ${PACKAGE}.`)),
        );
      }),
  );
  await Promise.all([pipeline(outer.stdout, zlib.createBrotliDecompress(), inner.stdin), ...ended]);
  fs.mkdirSync(path.join(target, 'lib/napi-v8'), { recursive: true });
  fs.renameSync(
    path.join(raw, INSIDE, 'lib/napi-v6/tfjs_binding.node'),
    path.join(target, 'lib/napi-v8/tfjs_binding.node'),
  );
  fs.renameSync(path.join(raw, INSIDE, 'deps'), path.join(target, 'deps'));
}

/**
 * Puts `fresh` in the place of `target`: a broken older folder is moved away first, a whole one
 * that another set-up has put there meanwhile stays.
 * @param {string} fresh
 * @param {string} target
 * @param {(folder: string) => boolean} whole
 */
export function replaceFolder(fresh, target, whole) {
  if (fs.existsSync(target) && !whole(target)) fs.renameSync(target, `${fresh}.broken`);
  try {
    fs.renameSync(fresh, target);
  } catch (error) {
    if (!whole(target)) throw error;
  }
}

/** What a killed set-up left behind more than a day ago. @param {string} parent */
function removeOldPartials(parent) {
  for (const name of fs.readdirSync(parent)) {
    const file = path.join(parent, name);
    if (!name.includes('.partial-')) continue;
    if (Date.now() - fs.statSync(file).mtimeMs > DAY_MS) fs.rmSync(file, { recursive: true, force: true });
  }
}
