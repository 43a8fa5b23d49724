/**
 * The sentences of the page and of the host, and their translations (docs/translating.md). Puts the sources' sentences
 * into the catalogues, then prints, as JSON, those that a language lacks; `--fill LANGUAGE FILE` takes such a JSON with
 * the texts filled in.
 */
import fs from 'node:fs';
import { getConfig, Hub } from 'wuchale';
import { HOST_DIR, LOCALES_DIR, openCatalogue, untranslated } from './lib/i18n/catalogue.mjs';

const [option, language, file] = process.argv.slice(2);
const fills = option === '--fill' && language !== undefined && file !== undefined;
const lists = option === undefined || option === '--host';
if (!fills && !lists) {
  console.error(
    'Usage: npm run messages, or npm run messages -- --host, or npm run messages -- --fill LANGUAGE FILE.json',
  );
  process.exit(2);
}

const hub = await Hub.create('cli', getConfig, '.');
await hub.directVisit(true, false, false);
const { locales } = await getConfig();
if (fills && !locales.slice(1).includes(language))
  throw new Error(`wuchale.config.js has no language ${language} to fill.`);

for (const dir of [LOCALES_DIR, HOST_DIR]) {
  const catalogue = await openCatalogue(dir, locales);
  const data = await catalogue.load();
  if (fills) {
    /** @type {Record<string, string | string[]>} */
    const texts = JSON.parse(fs.readFileSync(file, 'utf8'));
    for (const { translations, context } of data.items) {
      const [sentence = '', ...more] = translations.get(locales[0] ?? 'en') ?? [];
      const text = texts[context ? `${context}: ${sentence}` : sentence];
      // A word and a noun with its forms can begin alike: a string is for the one, a list for the other.
      const fits = Array.isArray(text) === more.length > 0;
      if (text !== undefined && text.length > 0 && fits) translations.set(language, [text].flat());
    }
    await catalogue.save({ items: data.items, pluralRules: data.pluralRules ?? new Map() });
  }
  for (const locale of locales.slice(1)) {
    const left = untranslated(data.items, locales[0], locale);
    console.error(`${dir}/${locale}.po: ${data.items.length - left.length} of ${data.items.length} translated`);
    const asked = option === (dir === HOST_DIR ? '--host' : undefined);
    if (asked && left.length > 0) console.log(JSON.stringify(Object.fromEntries(left.map(toFill)), null, 2));
  }
}

/** @param {{ sentences: string[], context: string | undefined }} message */
function toFill({ sentences, context }) {
  const [sentence = ''] = sentences;
  return [context ? `${context}: ${sentence}` : sentence, sentences.length > 1 ? sentences.map(() => '') : ''];
}
