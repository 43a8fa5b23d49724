import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** Svelte 5 in runes mode everywhere; TypeScript in markup is stripped by Vite. */
export default {
  preprocess: vitePreprocess(),
  compilerOptions: { runes: true },
};
