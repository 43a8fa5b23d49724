/**
 * `npm run pack:gpu`: one archive with all that the bench needs on a GPU machine without network or Node
 * (docs/gpu-bundle.md).
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { addVulkanLoader, fillStage, LIMIT_BYTES, stripSymbols } from './lib/gpuBundle.mjs';
import { bundleCode } from './lib/gpuBundleCode.mjs';
import { root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';
import { runMain, say, SetupError, withProgress } from './lib/say.mjs';
import { setUp } from './lib/setup.mjs';

const NAME = 'graft-gpu-bench';
const archive = path.join(root, 'out', `${NAME}-linux-x64.tar.gz`);

await runMain(async () => {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new SetupError(
      `pack:gpu packs this machine's Node and Dawn for Linux x64, and this is ${process.platform} ` +
        `${process.arch}; run it on Linux x64.`,
    );
  await setUp({ electron: false, build: false });
  fs.mkdirSync(path.dirname(archive), { recursive: true });
  const parent = fs.mkdtempSync(path.join(root, 'out', 'pack-gpu-'));
  try {
    const stage = path.join(parent, NAME);
    fs.mkdirSync(stage);
    fillStage(stage, commit());
    await addVulkanLoader(stage);
    await stripSymbols(stage);
    await bundleCode(stage);
    const { code, output } = await withProgress('pack:gpu', () =>
      run('tar', ['-C', parent, '--owner=0', '--group=0', '-czf', archive, NAME], { output: 'capture' }),
    );
    if (code !== 0) throw new SetupError(`tar could not write ${archive}: ${output.trim()}`);
  } finally {
    fs.rmSync(parent, { recursive: true, force: true });
  }
  return report();
});

function report() {
  const { size } = fs.statSync(archive);
  const megabytes = (size / 1e6).toFixed(1);
  if (size > LIMIT_BYTES)
    throw new SetupError(
      `${archive} has ${megabytes} MB, more than the ${LIMIT_BYTES / 1e6} MB it may have; install strip ` +
        '(binutils) or see what has grown.',
    );
  say(
    `pack:gpu: ${path.relative(root, archive)}, ${megabytes} MB. On the GPU machine: tar xf ` +
      `${path.basename(archive)} && ${NAME}/bench.sh kernels`,
  );
  return 0;
}

/** Empty outside a git checkout; marked where the tree differs from it. */
function commit() {
  try {
    const git = (/** @type {string[]} */ ...args) =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return (
      git('rev-parse', '--short', 'HEAD') +
      (git('status', '--porcelain', '--untracked-files=no', '--', 'src-main', 'src-shared', 'bench')
        ? ' with changes'
        : '')
    );
  } catch {
    return '';
  }
}
