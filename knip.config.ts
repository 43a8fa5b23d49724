/** What is never reached from these entries is unused, and lint fails: files, exports, types, dependencies. */
import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  entry: [
    'src-main/hosts/electron/{main,preload}.ts',
    'scripts/*.{mjs,ts}',
    'e2e/screens.ts',
    // Read by wuchale, by name.
    'wuchale.config.js',
    'src-renderer/locales/ui.loader.ts',
    'bench/{main,methods,advise,preferences,qlora,serve,kernelErrors,crash,crashHost}.ts',
    // Started as processes of their own, by path.
    'bench/peers/graft.ts',
    'bench/fuzz/{main,child}.ts',
    'bench/lab/{main,graft}.ts',
    'bench/advise/one.ts',
    'bench/data/{main,stage}.ts',
    'bench/scale/{main,one,exchange}.ts',
    'bench/ui/{main,host,simulatedWorker}.ts',
    // Bundled for GPU machines by scripts/lib/gpuBundleCode.mjs.
    'bench/gpu/{all,correct,miniTest}.ts',
    'test-support/fakes/fakeWorker.ts',
    'test-support/checks/openTorchFiles.ts',
    'test-support/rigs/loadInChild.ts',
    'test-support/rigs/secondGraft.ts',
    'test-support/rigs/mpi/{golden,train}.ts',
  ],
  project: [
    ...['src-main/**', 'src-shared/**', 'src-renderer/**', 'test-support/**', 'bench/**', 'e2e/**', 'scripts/**'],
    '!src-renderer/locales/{.wuchale/**,data.js,host.loader*.js}',
    // AssemblyScript, compiled by scripts/lib/assembly.mjs.
    '!src-main/engine/packed/assembly/**',
  ],
  ignoreDependencies: [
    // Run by name (scripts/run24.mjs, scripts/package.mjs).
    'electron-builder',
    'svelte-check',
    // Run by its path (scripts/lib/stages.mjs), and by svelte-check.
    '@typescript/native',
    // Run by its path (scripts/lib/assembly.mjs).
    'assemblyscript',
    // A part of electron-builder, whose rules scripts/package.test.ts asks.
    'app-builder-lib',
  ],
  // Of the system.
  ignoreBinaries: [
    'apt-get',
    'dpkg',
    'mkfifo',
    'mount',
    'nvidia-smi',
    'scontrol',
    'sha256sum',
    'squeue',
    'ssh-keygen',
    'umount',
    'Xvfb',
  ],
};

export default config;
