/** How the sentences of the page get into its catalogues, and translations onto the page; docs/translating.md. */
import { adapter as svelte } from '@wuchale/svelte';
import { defineConfig } from 'wuchale';
import { adapter as script } from 'wuchale/adapter-vanilla';
import { HOST_DIR, LOCALES_DIR, sortedCatalogue } from './scripts/lib/i18n/catalogue.mjs';
import { ModuleTransformer } from './scripts/lib/i18n/moduleTransformer.mjs';
import { prepared } from './scripts/lib/i18n/prepared.mjs';
import { shown } from './scripts/lib/i18n/shown.mjs';

/** The language is there before the page's modules are read, and stays: nothing needs to follow a change. */
const fixed = { wrapInit: (/** @type {string} */ expression) => expression, wrapUse: () => "_w_load_('ui')" };
const runtime = { initReactive: () => null, useReactive: false, plain: fixed, reactive: fixed };

/** @type {import('wuchale').CodePattern[]} */
const patterns = [{ name: 'counted', args: ['other', 'message', 'pluralFunc', 'locale'] }];

/**
 * What the main process and the workers say, which the page translates when it arrives (lib/app/hostSentences.ts):
 * taken out of src-main, which itself stays English. Not: the command line, SQL, model cards, tensors.
 */
const host = script({
  heuristic: shown,
  storage: sortedCatalogue(HOST_DIR),
  files: {
    include: ['src-main/**/*.ts'],
    ignore: ['**/*.test.ts', 'src-main/{hosts,catalog,exporting/card}/**', 'src-main/engine/{kernels,ops,packed}/**'],
  },
});

const components = svelte({ heuristic: shown, patterns, runtime });
const modules = script({
  heuristic: shown,
  patterns,
  runtime,
  loader: 'custom',
  storage: sortedCatalogue(LOCALES_DIR),
  files: { include: ['src-renderer/**/*.{svelte,ts}', 'src-shared/**/*.ts'], ignore: ['**/*.test.ts'] },
});

export default defineConfig({
  // The first is what the sources are written in; as src-shared/languages.ts.
  locales: ['en', 'de'],
  localesDir: LOCALES_DIR,
  // Nobody is asked for translations over the network.
  ai: null,
  logLevel: 'warn',
  adapters: {
    host: {
      ...host,
      transform: ({ content, filename, index, expr, matchUrl }) =>
        new ModuleTransformer(
          prepared(content, filename),
          filename,
          index,
          shown,
          [],
          expr,
          runtime,
          matchUrl,
        ).transform(),
    },
    ui: {
      ...modules,
      transform: (context) => {
        const content = prepared(context.content, context.filename);
        if (context.filename.endsWith('.svelte')) return components.transform({ ...context, content });
        const { filename, index, expr, matchUrl } = context;
        return new ModuleTransformer(content, filename, index, shown, patterns, expr, runtime, matchUrl).transform();
      },
    },
  },
});
