/**
 * The bundle for a GPU machine without network or Node: which files it holds and where they come from. It packs the
 * bench on the webgpu engine, not the app.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { node24Path } from './node24.mjs';
import { modules, root } from './paths.mjs';
import { run } from './run.mjs';
import { say, SetupError } from './say.mjs';

/** What the whole may weigh compressed, so that it travels with a repository. */
export const LIMIT_BYTES = 60e6;

const LOADER = 'libvulkan.so.1';
const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'];
const DAWN = 'dist/linux-x64/dawn.node';

/** Files of the bundle that are copies, by place in the bundle. @returns {Record<string, string>} */
export function copiedFiles() {
  const dawn = path.join(modules, 'webgpu');
  return {
    'bench.sh': path.join(root, 'scripts/gpu/bench.sh'),
    'bench/peers/torch_lora.py': path.join(root, 'bench/peers/torch_lora.py'),
    'bin/node': node24Path(),
    'node_modules/webgpu/package.json': path.join(dawn, 'package.json'),
    'node_modules/webgpu/index.js': path.join(dawn, 'index.js'),
    [`node_modules/webgpu/${DAWN}`]: path.join(dawn, DAWN),
    LICENSE: path.join(root, 'LICENSE'),
    'THIRD-PARTY-NOTICES.md': path.join(root, 'THIRD-PARTY-NOTICES.md'),
  };
}

/** Files that are written, by place in the bundle. @param {string} commit @returns {Record<string, string>} */
export function writtenFiles(commit) {
  return {
    COMMIT: `${commit}\n`,
    'package.json': '{ "type": "module" }\n',
    'lib/nvidia_icd_GLX.json': driverFile('libGLX_nvidia.so.0'),
    'lib/nvidia_icd_EGL.json': driverFile('libEGL_nvidia.so.0'),
  };
}

/** What tells Vulkan's loader of a driver. @param {string} library */
function driverFile(library) {
  const driver = { library_path: library, api_version: '1.3.194' };
  return `${JSON.stringify({ file_format_version: '1.0.0', ICD: driver })}\n`;
}

/**
 * Copies and writes all files but the bundled JavaScript and the Vulkan loader. @param {string} stage @param {string}
 * commit
 */
export function fillStage(stage, commit) {
  for (const [place, source] of Object.entries(copiedFiles())) {
    fs.mkdirSync(path.dirname(path.join(stage, place)), { recursive: true });
    fs.copyFileSync(source, path.join(stage, place));
  }
  for (const [place, text] of Object.entries(writtenFiles(commit))) {
    fs.mkdirSync(path.dirname(path.join(stage, place)), { recursive: true });
    fs.writeFileSync(path.join(stage, place), text);
  }
  for (const place of ['bench.sh', 'bin/node']) fs.chmodSync(path.join(stage, place), 0o755);
}

/** Symbols for debuggers are a seventh of the whole; without `strip` they stay. @param {string} stage */
export async function stripSymbols(stage) {
  for (const place of ['bin/node', `node_modules/webgpu/${DAWN}`]) {
    const { code } = await run('strip', [path.join(stage, place)], { output: 'capture' });
    if (code !== 0) return say('pack:gpu: no strip here, the bundle keeps its debug symbols');
  }
}

/** The loader from this system, else from Debian's package. @param {string} stage */
export async function addVulkanLoader(stage) {
  const target = path.join(stage, 'lib', LOADER);
  const own = LIBRARY_FOLDERS.map((folder) => path.join(folder, LOADER)).find((file) => fs.existsSync(file));
  if (own) return fs.copyFileSync(own, target);
  const scratch = path.join(stage, 'deb');
  fs.mkdirSync(scratch);
  try {
    await unpackDebian(scratch);
    fs.copyFileSync(path.join(scratch, LIBRARY_FOLDERS[0] ?? '', LOADER), target);
  } catch {
    throw new SetupError(
      `pack:gpu needs ${LOADER}, and neither is it on this system nor can apt-get download Debian's ` +
        'libvulkan1; install a Vulkan loader and run the command again.',
    );
  } finally {
    fs.rmSync(scratch, { recursive: true });
  }
}

/** @param {string} folder */
async function unpackDebian(folder) {
  execFileSync('apt-get', ['download', '-qq', 'libvulkan1'], { cwd: folder, stdio: 'ignore' });
  const deb = fs.readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '';
  execFileSync('dpkg', ['-x', deb, '.'], { cwd: folder, stdio: 'ignore' });
}
