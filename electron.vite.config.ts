/** The three bundles of the app: its hosts and their workers, the preload script, the page. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'electron-vite';
import type { Plugin } from 'vite';
import { getConfig, Hub } from 'wuchale';
import { wuchale } from 'wuchale/vite';
import packageJson from './package.json' with { type: 'json' };

/**
 * Our sources are ES modules that make their own `require` where they need one; electron-vite's
 * shim for CommonJS habits would declare it a second time.
 */
const noRequireShim: Plugin = {
  name: 'graft:no-require-shim',
  configResolved({ plugins }) {
    const shim = plugins.find((plugin) => plugin.name === 'vite:esm-shim');
    if (shim) shim.renderChunk = undefined;
  },
};

/**
 * Puts new sentences of the sources into the catalogues, and drops those that are gone, before anything is compiled: a
 * sentence that is in none would be missing on the page.
 */
const extractMessages: Plugin = {
  name: 'graft:extract-messages',
  async config() {
    const hub = await Hub.create('cli', getConfig, '.');
    await hub.directVisit(true, false, false);
  },
};

/**
 * Dependencies of plain JavaScript go into the bundles: Node would look up their 300 files one by one at each start of
 * a host or a worker. Outside stay those that bring native code or WebAssembly, and tfjs, which may be there once only.
 */
const OUTSIDE = /^(@tensorflow\/|better-sqlite3$|webgpu$|koffi$|@huggingface\/(gguf|hub)$)/;
const plain = Object.keys(packageJson.dependencies).filter((name) => !OUTSIDE.test(name));

export default defineConfig({
  main: {
    plugins: [noRequireShim],
    build: {
      outDir: 'out/main',
      externalizeDeps: { exclude: plain },
      rollupOptions: {
        // Optional, and native: looked for when it is needed.
        external: ['node-llama-cpp'],
        input: {
          main: 'src-main/hosts/electron/main.ts',
          worker: 'src-main/worker/main.ts',
          job: 'src-main/jobs/main.ts',
          serve: 'src-main/hosts/web/serve.ts',
          cli: 'src-main/hosts/cli/main.ts',
          run: 'src-main/hosts/cli/run.ts',
          lookThread: 'src-main/app/looking/lookThread.ts',
          rowThread: 'src-main/datasets/rowThread.ts',
          documentThread: 'src-main/datasets/documents/documentThread.ts',
          tokenThread: 'src-main/datasets/tokens/tokenThread.ts',
          packThread: 'src-main/loading/packThread.ts',
          hashThread: 'src-main/safetensors/hashThread.ts',
          // Sent to other machines as text.
          remoteAgent: 'src-main/remote/agent/serve.ts',
        },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      rollupOptions: {
        input: { preload: 'src-main/hosts/electron/preload.ts' },
        // A sandboxed preload script must be one CommonJS file.
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src-renderer',
    plugins: [extractMessages, wuchale(), tailwindcss(), svelte({ configFile: '../svelte.config.js' })],
    build: {
      outDir: 'out/renderer',
      minify: true,
      // As files, since the content policy forbids fonts and images in data addresses.
      assetsInlineLimit: 0,
      rollupOptions: { input: 'src-renderer/index.html' },
    },
  },
});
