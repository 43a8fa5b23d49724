/** The catalogues in gettext's format, in an order that does not depend on which file was read first. */
import fs from 'node:fs/promises';
import path from 'node:path';
import { pofile } from 'wuchale';

/** Of the repository: the page's sentences, and those of the main process and the workers. */
export const LOCALES_DIR = 'src-renderer/locales';
export const HOST_DIR = 'src-renderer/locales/host';

/**
 * By sentence, so that two branches that add some seldom touch the same lines.
 *
 * @param {string} dir
 * @returns {(options: import('wuchale').StorageFactoryOpts) => Promise<import('wuchale').CatalogStorage>}
 */
export function sortedCatalogue(dir) {
  return async (options) => {
    const store = await pofile({ dir })(options);
    const keyOf = (/** @type {import('wuchale').Item} */ { translations, context }) =>
      [...(translations.get(options.sourceLocale) ?? []), context ?? ''].join('\n');
    const save = store.save.bind(store);
    store.save = (data) =>
      save({ ...data, items: data.items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : Number(keyOf(a) > keyOf(b)))) });
    return store;
  };
}

/**
 * The catalogues of a folder as they are on disk.
 *
 * @param {string} dir
 * @param {string[]} locales the first is what the sources are written in
 */
export function openCatalogue(dir, locales) {
  return sortedCatalogue(dir)({
    locales,
    root: '.',
    localesDir: LOCALES_DIR,
    sourceLocale: locales[0] ?? 'en',
    haveUrl: false,
    fs: {
      read: (file) => fs.readFile(file, 'utf8'),
      write: (file, content) => fs.writeFile(path.resolve(file), content),
      mkdir: async () => undefined,
      exists: () => true,
      unlink: () => false,
    },
  });
}

/**
 * Messages without a text in a language.
 *
 * @param {import('wuchale').Item[]} items
 * @param {string | undefined} source
 * @param {string} locale
 * @returns {{ sentences: string[], context: string | undefined }[]}
 */
export function untranslated(items, source = 'en', locale) {
  return items
    .filter(({ translations }) => !translations.get(locale)?.some((text) => text !== ''))
    .map(({ translations, context }) => ({ sentences: translations.get(source) ?? [], context }));
}
