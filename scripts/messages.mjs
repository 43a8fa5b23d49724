/**
 * The sentences of the page and their translations (docs/translating.md). Puts the sources' sentences into the
 * catalogues, then prints, as JSON, those that a language lacks; `--fill de FILE` takes such a JSON with the texts filled in.
 */
import fs from 'node:fs';
import { getConfig, Hub } from 'wuchale';
import { openCatalogue, untranslated } from './lib/i18n/catalogue.mjs';

const [option, language, file] = process.argv.slice(2);
if (option !== undefined && (option !== '--fill' || !language || !file)) {
  console.error('Usage: npm run messages, or npm run messages -- --fill LANGUAGE FILE.json');
  process.exit(2);
}

const hub = await Hub.create('cli', getConfig, '.');
await hub.directVisit(true, false, false);

const { locales } = await getConfig();
const catalogue = await openCatalogue(locales);
const data = await catalogue.load();

if (language && file) {
  if (!locales.includes(language)) throw new Error(`${language} is no language of wuchale.config.js.`);
  /** @type {Record<string, string | string[]>} */
  const texts = JSON.parse(fs.readFileSync(file, 'utf8'));
  for (const item of data.items) {
    const [sentence = ''] = item.translations.get(locales[0]) ?? [];
    const text = texts[item.context ? `${item.context}: ${sentence}` : sentence];
    if (text !== undefined && text.length > 0) item.translations.set(language, [text].flat());
  }
  await catalogue.save({ items: data.items, pluralRules: data.pluralRules ?? new Map() });
}

for (const locale of locales.slice(1)) {
  const left = untranslated(data.items, locales[0], locale);
  const texts = Object.fromEntries(
    left.map(({ sentences, context }) => [
      context ? `${context}: ${sentences[0]}` : sentences[0],
      sentences.length > 1 ? sentences.map(() => '') : '',
    ]),
  );
  console.error(`${locale}: ${data.items.length - left.length} of ${data.items.length} translated`);
  if (left.length > 0) console.log(JSON.stringify(texts, null, 2));
}
