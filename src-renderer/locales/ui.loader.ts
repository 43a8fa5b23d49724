/** Where the compiled catalogues come from: one file for each language, made by the build. */
import { registerLoaders } from 'wuchale/load-utils';
import type { CatalogModule } from 'wuchale/runtime';

const catalogues = import.meta.glob<CatalogModule>('./.wuchale/ui.ui.*.compiled.js');

/** Rejects where the language has no catalogue. */
async function load(_id: string, language: string): Promise<CatalogModule> {
  const read = catalogues[`./.wuchale/ui.ui.${language}.compiled.js`];
  if (!read) throw new Error(`There is no catalogue for ${language}.`);
  return read();
}

export const getRuntime = registerLoaders('ui', load, ['ui']);
/** What components ask; the language does not change while a page is open, so it is the same. */
export const getRuntimeRx = (id: string) => getRuntime(id);
