/** How the sentences of the page get into its catalogues, and translations onto the page; docs/translating.md. */
import { adapter as svelte } from '@wuchale/svelte';
import { defineConfig } from 'wuchale';
import { adapter as script } from 'wuchale/adapter-vanilla';
import { LOCALES_DIR, sortedCatalogue } from './scripts/lib/i18n/catalogue.mjs';
import { ModuleTransformer } from './scripts/lib/i18n/moduleTransformer.mjs';
import { prepared } from './scripts/lib/i18n/prepared.mjs';
import { shown } from './scripts/lib/i18n/shown.mjs';

/** The language is there before the page's modules are read, and stays: nothing needs to follow a change. */
const fixed = { wrapInit: (/** @type {string} */ expression) => expression, wrapUse: () => "_w_load_('ui')" };
const runtime = { initReactive: () => null, useReactive: false, plain: fixed, reactive: fixed };

/** @type {import('wuchale').CodePattern[]} */
const patterns = [{ name: 'counted', args: ['other', 'message', 'pluralFunc', 'locale'] }];

const components = svelte({ heuristic: shown, patterns, runtime });
const modules = script({
  heuristic: shown,
  patterns,
  runtime,
  loader: 'custom',
  storage: sortedCatalogue,
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
