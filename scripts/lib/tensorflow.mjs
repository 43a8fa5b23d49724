/**
 * Step 3: the native library behind node_modules/@tensorflow/tfjs-node-gpu, whose own install
 * script is never run. Official build first (with CUDA where an NVIDIA GPU is seen) where its hashes are known, else
 * the CPU build from the npm registry; without either Graft runs on webgpu and wasm. Never fails.
 */
import fs from 'node:fs';
import path from 'node:path';
import { bundledFolder, bundledRunsHere, ensureBundled, isUnchanged, isWhole, PACKAGE } from './bundledTensorflow.mjs';
import { fetchVerified, HOST, officialParts, wantedHash } from './libtensorflow.mjs';
import { node24Path } from './node24.mjs';
import { modules } from './paths.mjs';
import { hostAnswers } from './probe.mjs';
import { run } from './run.mjs';
import { say, SetupError, UsageError, withProgress } from './say.mjs';
import { readStamp, triedRecently, updateStamp } from './stamp.mjs';

const WISHES = ['official', 'bundled', 'skip'];
const packageFolder = () => path.join(modules, '@tensorflow', 'tfjs-node-gpu');
const bindingFile = () => path.join(packageFolder(), 'lib', 'napi-v8', 'tfjs_binding.node');

/** GRAFT_TENSORFLOW: official, bundled or skip; '' lets set-up choose. */
function wish() {
  const value = process.env.GRAFT_TENSORFLOW ?? '';
  if (value && !WISHES.includes(value)) {
    throw new UsageError(`GRAFT_TENSORFLOW is ${WISHES.join(', ')} or unset, not "${value}".`);
  }
  return value;
}

/** True when this very file has loaded before, or when what cannot be had was tried within a day. */
export function tensorflowIsSettled() {
  if (wish() === 'skip') return true;
  const record = readStamp().tensorflow;
  if (!record) return false;
  if (!('binding' in record)) return record.wish === wish() && triedRecently(record);
  if (wish() && wish() !== record.source) return false;
  if (record.source === 'bundled' && !isWhole(bundledFolder())) return false;
  const stat = fs.statSync(bindingFile(), { throwIfNoEntry: false });
  return (
    stat !== undefined &&
    fs.realpathSync(bindingFile()) === record.binding &&
    stat.size === record.sizeBytes &&
    stat.mtimeMs === record.mtimeMs
  );
}

export async function setUpTensorflow() {
  try {
    const source = (await linkedSource()) ?? (await official()) ?? (await bundled());
    const binding = fs.realpathSync(bindingFile());
    const { size, mtimeMs } = fs.statSync(binding);
    updateStamp({ tensorflow: { source, binding, sizeBytes: size, mtimeMs } });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    removeLinks();
    updateStamp({ tensorflow: { reason, at: Date.now(), wish: wish() } });
    say(`tensorflow: not available here, webgpu and wasm will be used: ${reason}`);
  }
}

/** The source of a library that is linked already, was wished for, and loads; else undefined. */
async function linkedSource() {
  if (!fs.existsSync(bindingFile())) return undefined;
  const cached = fs.realpathSync(bindingFile()).startsWith(`${realFolder(bundledFolder())}${path.sep}`);
  const source = cached ? 'bundled' : 'official';
  if (wish() && wish() !== source) return undefined;
  if (cached && !(isWhole(bundledFolder()) && (await isUnchanged(bundledFolder())))) return undefined;
  return (await loads()) ? source : undefined;
}

/** @param {string} folder */
function realFolder(folder) {
  return fs.existsSync(folder) ? fs.realpathSync(folder) : folder;
}

/** Whether Node 24 can load the binding with its shared libraries; in a child, for it may crash. */
async function loads() {
  const script = `if (typeof require(${JSON.stringify(bindingFile())}).createTensor !== 'function') process.exit(3)`;
  const { code } = await run(node24Path(), ['-e', script], { output: 'capture', env: { TF_CPP_MIN_LOG_LEVEL: '3' } });
  return code === 0;
}

/** @returns {Promise<'official' | undefined>} undefined: could not be had */
async function official() {
  if (wish() === 'bundled') return undefined;
  if (!(await hostAnswers(HOST))) {
    if (wish() === 'official') throw new SetupError(`the host of the official build (${HOST}) does not answer.`);
    return undefined;
  }
  const kind = (await nvidiaIsVisible()) ? 'gpu' : 'cpu';
  const { version } = JSON.parse(fs.readFileSync(path.join(packageFolder(), 'package.json'), 'utf8'));
  const parts = officialParts({ platform: process.platform, arch: process.arch, kind, version });
  if (!parts) {
    if (wish() === 'official') throw new SetupError('there is no official build for this system.');
    return undefined;
  }
  const given = { library: process.env.GRAFT_TENSORFLOW_SHA256, addon: process.env.GRAFT_TENSORFLOW_ADDON_SHA256 };
  if (wish() !== 'official' && !(wantedHash(parts.library, given.library) && wantedHash(parts.addon, given.addon))) {
    say('tensorflow: Graft knows no hash of the official build, so it is not fetched (docs/security.md says how)');
    return undefined;
  }
  say(`tensorflow: fetching the official ${kind} build of libtensorflow from ${HOST}`);
  removeLinks();
  await withProgress('download', async () => {
    await fetchVerified(parts.library, {
      given: given.library,
      variable: 'GRAFT_TENSORFLOW_SHA256',
      target: path.join(packageFolder(), 'deps'),
      members: /^(\.\/)?lib\/(lib)?tensorflow[^/]*$/,
    });
    await fetchVerified(parts.addon, {
      given: given.addon,
      variable: 'GRAFT_TENSORFLOW_ADDON_SHA256',
      target: path.join(packageFolder(), 'lib'),
      members: /^(\.\/)?napi-v8\/tfjs_binding\.node$/,
    });
  });
  if (await loads()) return 'official';
  if (wish() === 'official') throw new SetupError('the official build does not load on this system.');
  say('tensorflow: the official build does not load here');
  return undefined;
}

/** @returns {Promise<'bundled'>} */
async function bundled() {
  if (wish() === 'official') throw new SetupError('the official build did not load.');
  if (!bundledRunsHere()) {
    throw new SetupError(`its download host does not answer, and ${PACKAGE} runs on Linux x64 with glibc only.`);
  }
  const folder = await ensureBundled();
  removeLinks();
  for (const name of ['lib', 'deps']) fs.symlinkSync(path.join(folder, name), path.join(packageFolder(), name), 'dir');
  if (!(await loads())) throw new SetupError(`the library in ${folder} does not load on this system.`);
  say('tensorflow: the CPU build from the npm registry is linked');
  return 'bundled';
}

/** Removes lib and deps of the package; a link is removed itself, never what it points at. */
function removeLinks() {
  for (const name of ['lib', 'deps']) fs.rmSync(path.join(packageFolder(), name), { recursive: true, force: true });
}

async function nvidiaIsVisible() {
  if (fs.existsSync('/proc/driver/nvidia/version')) return true;
  return (await run('nvidia-smi', ['-L'], { output: 'capture', limitMs: 10_000 })).code === 0;
}
