/** The catalogues in gettext's format, in an order that does not depend on which file was read first. */
import { pofile } from 'wuchale';

/**
 * By sentence, so that two branches that add some seldom touch the same lines.
 *
 * @param {string} dir
 * @returns {import('wuchale').StorageFactory}
 */
export function sortedCatalogue(dir) {
  const open = pofile({ dir });
  return async (options) => {
    const store = await open(options);
    const keyOf = (/** @type {import('wuchale').Item} */ { translations, context }) =>
      [...(translations.get(options.sourceLocale) ?? []), context ?? ''].join('\n');
    const save = store.save.bind(store);
    store.save = (data) =>
      save({ ...data, items: data.items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : Number(keyOf(a) > keyOf(b)))) });
    return store;
  };
}
