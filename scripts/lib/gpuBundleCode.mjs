/** The bench and the engine as plain JavaScript in a few files, with tfjs inside. */
import path from 'node:path';
import { root } from './paths.mjs';

/** Files that make a `require` of their own; only one of them runs on a GPU machine. */
const WEBGPU_ENGINE = path.join(root, 'src-main/engine/backends/webgpu.ts');
const OWN_REQUIRE = /^const require = createRequire\(import\.meta\.url\);$/m;

/** Bundlers follow a plain `require` only. */
const plainRequire = {
  name: 'graft:plain-require',
  /** @param {string} code @param {string} id */
  transform(code, id) {
    if (id !== WEBGPU_ENGINE) return null;
    if (!OWN_REQUIRE.test(code))
      throw new Error(`${id} makes no require of its own any more; scripts/lib/gpuBundleCode.mjs expects it.`);
    return { code: code.replace(OWN_REQUIRE, ''), map: null };
  },
};

/** Writes bench/lib/main.js, bench/peers/graft.js, its thread and what they share. @param {string} stage */
export async function bundleCode(stage) {
  const { build } = await import('vite');
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    plugins: [{ ...plainRequire, enforce: 'pre' }],
    resolve: {
      mainFields: ['main'], // as Node resolves tfjs, so that there is one of it
      alias: { vitest: path.join(root, 'bench/gpu/miniTest.ts') }, // of the suites behind correct.ts
    },
    ssr: { noExternal: true, external: ['webgpu', '@playwright/test'] },
    build: {
      ssr: true,
      target: 'node24',
      outDir: stage,
      emptyOutDir: false,
      rollupOptions: {
        input: {
          main: path.join(root, 'bench/main.ts'),
          graft: path.join(root, 'bench/peers/graft.ts'),
          all: path.join(root, 'bench/gpu/all.ts'),
          correct: path.join(root, 'bench/gpu/correct.ts'),
          packThread: path.join(root, 'src-main/loading/packThread.ts'),
          hashThread: path.join(root, 'src-main/safetensors/hashThread.ts'),
        },
        output: {
          format: 'es',
          // bench/lib/places.ts looks for its files from bench/lib, where all but the peer and its threads lies.
          entryFileNames: ({ name }) =>
            `bench/${['main', 'all', 'correct'].includes(name) ? 'lib' : 'peers'}/${name}.js`,
          chunkFileNames: 'bench/lib/[name]-[hash].js',
        },
      },
    },
  });
}
