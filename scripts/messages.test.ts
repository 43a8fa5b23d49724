/** The catalogues: complete, in step with the sources, and what counts as a sentence of the page. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { getConfig, Hub, type Item } from 'wuchale';
import { HOST_DIR, LOCALES_DIR, openCatalogue, untranslated } from './lib/i18n/catalogue.mjs';
import { prepared } from './lib/i18n/prepared.mjs';
import { shown } from './lib/i18n/shown.mjs';

/** As wuchale compiles them: `{0}`, `<0>`, `</0>`, `<0/>`. */
const marksOf = (text: string): string[] => (text.match(/\{\d+\}|<\/?\d+\/?>/g) ?? []).sort();

const { locales } = await getConfig();
const [source = 'en', ...others] = locales;
const textOf = ({ translations }: Item, locale: string): string[] => translations.get(locale) ?? [];

async function itemsOf(dir: string): Promise<Item[]> {
  const catalogue = await openCatalogue(dir, locales);
  return (await catalogue.load()).items;
}

describe('catalogues', () => {
  it('hold exactly the sentences of the sources; else `npm run messages`', async () => {
    const changed: string[] = [];
    const hub = await Hub.create('cli', getConfig, '.', 0, {
      read: (file) => fs.promises.readFile(file, 'utf8'),
      write: (file, content) => {
        if (file.endsWith('.po') && content !== fs.readFileSync(file, 'utf8')) changed.push(file);
      },
      mkdir: () => undefined,
      exists: fs.existsSync,
      unlink: () => true,
    });
    await hub.directVisit(true, false, false);
    expect(changed).toEqual([]);
  });

  it.each(others)('%s has a text for every sentence of the page; else see `npm run messages`', async (locale) => {
    const items = await itemsOf(LOCALES_DIR);
    expect(items.length).toBeGreaterThan(1000);
    expect(untranslated(items, source, locale).map(({ sentences }) => sentences[0])).toEqual([]);
  });

  it.each(others.flatMap((locale) => [LOCALES_DIR, HOST_DIR].map((dir) => [locale, dir] as const)))(
    '%s in %s keeps values, markup and the spaces at both ends',
    async (locale, dir) => {
      const ends = (text: string): string[] => [/^\s*/.exec(text)![0], /\s*$/.exec(text)![0]];
      const differing = (await itemsOf(dir)).filter((item) => {
        const [english = '', ...plural] = textOf(item, source);
        const texts = textOf(item, locale).filter((text) => text !== '');
        return texts.some((text) =>
          plural.length > 0
            ? marksOf(text).length > 0
            : marksOf(text).join() !== marksOf(english).join() || ends(text).join() !== ends(english).join(),
        );
      });
      expect(differing.map((item) => [textOf(item, source), textOf(item, locale)])).toEqual([]);
    },
  );

  it.each(others)('%s has each noun in all its forms, and everything else once', async (locale) => {
    const catalogue = await openCatalogue(LOCALES_DIR, locales);
    const { items, pluralRules } = await catalogue.load();
    const forms = pluralRules?.get(locale)?.nplurals;
    const wrong = items.filter((item) => textOf(item, locale).length !== (textOf(item, source).length > 1 ? forms : 1));
    expect(wrong.map((item) => [textOf(item, source), textOf(item, locale)])).toEqual([]);
  });

  it('each language has a file, and wuchale.config.js and src-shared/languages.ts name the same', async () => {
    const { LANGUAGES } = await import('../src-shared/languages.ts');
    expect(locales).toEqual([...LANGUAGES]);
    for (const locale of locales) expect(fs.existsSync(path.join(LOCALES_DIR, `${locale}.po`))).toBe(true);
  });
});

describe('sentences', () => {
  it.each([
    ["const a = 'Half a sentence ' + 'and the rest.';", 'const a = `Half a sentence and the rest.`;'],
    ["f(`${n} of ` + `${m} ` + 'are `new`');", 'f(`${n} of ${m} are \\`new\\``);'],
    ["const sum = a + 'b';", "const sum = a + 'b';"],
    ["x === 'learnt nothing'", "x === /* @wc-ignore */ 'learnt nothing'"],
    ["({ 'as good': 'as good' })", "({ [/* @wc-ignore */ 'as good']: 'as good' })"],
    ["({ kind: 'still improving' })", "({ kind: /* @wc-ignore */ 'still improving' })"],
  ])('%s', (source, want) => expect(prepared(source, 'a.ts')).toBe(want));

  it('components are read as modules are', () => {
    expect(prepared("<p title={'One ' + 'two'}>{a === 'b' ? 1 : 2}</p>", 'A.svelte')).toBe(
      "<p title={`One two`}>{a === /* @wc-ignore */ 'b' ? 1 : 2}</p>",
    );
  });

  const details = { file: 'a.ts', scope: 'script', insideProgram: true } as const;
  const asked = (text: string, more: object = {}) =>
    shown({ msgStr: [text], plural: false, placeholders: [], type: 'message', details: { ...details, ...more } });

  it.each(['Learning rate', '# of # are cut', 'most rows are never seen', 'Ctrl+Enter generates', 'Copied.'])(
    '“%s” is read by people',
    (text) => expect(asked(text)).toBe('message'),
  );

  it.each([
    'CHECKPOINT_NOT_FOUND',
    'queued',
    '#/runs/7',
    'text-muted line-through',
    'rgb(255, 255, 255)',
    '<rect fill="#" x="#"/>',
    'CmdOrCtrl+K',
    'ArrowDown',
    '2e-4',
  ])('“%s” is not', (text) => expect(asked(text)).toBe(false));

  it('attributes that people read, and those that they do not', () => {
    expect(asked('no limit', { scope: 'attribute', attribute: 'placeholder' })).toBe('message');
    expect(asked('no limit', { scope: 'attribute', attribute: 'class' })).toBe(false);
    expect(asked('npm run setup', { scope: 'markup', element: 'code' })).toBe(false);
  });
});
