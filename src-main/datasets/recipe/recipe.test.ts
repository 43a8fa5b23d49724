/** Recipes on real files: what is written is read here as lines of JSON, and counted by hand. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { graftError, TestFolder } from '../../../test-support/fixtures/dataFiles.ts';
import { recipeSchema, type RecipeInput } from '../../../src-shared/recipes.ts';
import { DatasetFiles } from '../datasetFiles.ts';
import { RowThreads } from '../rowThreads.ts';
import { piecesOf } from './lengths.ts';

const folder = new TestFolder();
const files = new DatasetFiles(path.join(folder.dir, 'scratch'));
afterAll(() => {
  files.close();
  folder.remove();
});

let made = 0;

/** What a recipe writes, and what it says of it. */
async function cooked(file: string, input: RecipeInput) {
  const target = path.join(folder.dir, 'out', `made-${made++}.jsonl`);
  const recipe = recipeSchema.parse(input);
  const before = fs.readFileSync(file);
  const written = await files.writeRecipe({ file }, target, { recipe });
  const text = fs.readFileSync(target, 'utf8');
  expect(fs.readFileSync(file).equals(before), 'the source is as it was').toBe(true);
  expect(written.sha256).toBe(createHash('sha256').update(text).digest('hex'));
  expect(fs.readdirSync(path.dirname(target)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  const rows = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(written.rows).toBe(rows.length);
  return { rows, report: written.report, preview: await files.previewRecipe({ file }, { recipe }) };
}

const jsonl = (name: string, rows: object[]): string =>
  folder.write(name, rows.map((row) => JSON.stringify(row)).join('\n'));

/** As a German Excel saves it: semicolons, latin-1, decimal commas. */
const TICKETS = folder.write(
  'tickets.csv',
  Buffer.from(
    [
      'Betreff;Text;Art;Preis',
      ' Rückgabe ;Ich möchte mein Geld zurück. Tel. 030 901820;Rückerstattung;12,50',
      'Größe;Die Schuhe sind zu groß.;Umtausch;99,90',
      'Lieferung;Wo ist mein Paket?;Versand;5,00',
      'Lieferung; Wo ist mein Paket? ;Versand;5,00',
      'Straße;Die Straße heißt anders.;Adresse;',
    ].join('\r\n'),
    'latin1',
  ),
);

it('a German CSV file: trimmed, values replaced, filtered, masked, each once', async () => {
  const { rows, report } = await cooked(TICKETS, {
    trim: {},
    values: { columns: [{ column: 'Art', map: [{ from: 'Rückerstattung', to: 'refund' }] }] },
    filter: { conditions: [{ column: 'Art', is: 'isNot', value: 'Adresse' }] },
    mask: {},
    duplicates: {},
  });
  expect(rows).toEqual([
    { Betreff: 'Rückgabe', Text: 'Ich möchte mein Geld zurück. Tel. [PHONE]', Art: 'refund', Preis: '12,50' },
    { Betreff: 'Größe', Text: 'Die Schuhe sind zu groß.', Art: 'Umtausch', Preis: '99,90' },
    { Betreff: 'Lieferung', Text: 'Wo ist mein Paket?', Art: 'Versand', Preis: '5,00' },
  ]);
  expect(report).toMatchObject({ rows: 5, kept: 3, masked: { phone: 1, email: 0 } });
  expect(report.steps).toEqual([
    { step: 'trim', rows: 5, changed: 2, leftOut: 0, added: 0 },
    { step: 'values', rows: 5, changed: 1, leftOut: 0, added: 0 },
    { step: 'filter', rows: 5, changed: 0, leftOut: 1, added: 0 },
    { step: 'mask', rows: 4, changed: 1, leftOut: 0, added: 0 },
    { step: 'duplicates', rows: 4, changed: 0, leftOut: 1, added: 0 },
  ]);
});

it.each([
  ['is', 'Umtausch', 'Art', [1]],
  ['isNot', 'Versand', 'Art', [0, 1, 4]],
  ['contains', 'STRASSE', 'Betreff', []],
  ['contains', 'GRÖ', 'Betreff', [1]],
  ['containsNot', 'LIEF', 'Betreff', [0, 1, 4]],
  ['matches', '^(Versand|Umtausch)$', 'Art', [1, 2, 3]],
  ['matchesNot', 'ä|ö|ü', 'Text', [1, 2, 3, 4]],
  ['longerThan', '25', 'Text', [0]],
  ['shorterThan', '20', 'Text', [2]],
  ['empty', '', 'Preis', [4]],
  ['notEmpty', '', 'Preis', [0, 1, 2, 3]],
  ['greaterThan', '12', 'Preis', [0, 1]],
  ['lessThan', '12.5', 'Preis', [2, 3]],
] as const)('filter: %s %s in %s', async (is, value, column, wanted) => {
  const texts = fs
    .readFileSync(TICKETS, 'latin1')
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(';')[1]);
  const recipe = { filter: { conditions: [{ column, is, value }] } };
  if (wanted.length === 0)
    return expect(await graftError(() => cooked(TICKETS, recipe))).toMatchObject({ code: 'DATASET_NO_USABLE_ROWS' });
  const { rows } = await cooked(TICKETS, recipe);
  expect(rows.map((row) => row['Text'])).toEqual(wanted.map((i) => texts[i]));
});

it('any of several conditions', async () => {
  const conditions = [
    { column: 'Art', is: 'is', value: 'Adresse' },
    { column: 'Preis', is: 'greaterThan', value: '90' },
  ] as const;
  const { rows } = await cooked(TICKETS, { filter: { join: 'any', conditions: [...conditions] } });
  expect(rows.map((row) => row['Art'])).toEqual(['Umtausch', 'Adresse']);
});

it('a pattern that takes a backtracking engine for ever', async () => {
  const file = jsonl('evil.jsonl', [{ text: `${'a'.repeat(50_000)}!` }, { text: 'aaaa' }]);
  const { rows } = await cooked(file, {
    filter: { conditions: [{ column: 'text', is: 'matches', value: '^(a+)+$' }] },
  });
  expect(rows).toEqual([{ text: 'aaaa' }]);
  const refused = { filter: { conditions: [{ column: 'text', is: 'matches' as const, value: '(a)\\1' }] } };
  expect(await graftError(() => cooked(file, refused))).toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining('RE2') as string,
  });
});

it('a column that does not exist is named, with those that do', async () => {
  const recipe = { filter: { conditions: [{ column: 'Sorte', is: 'empty' as const }] } };
  expect(await graftError(() => cooked(TICKETS, recipe))).toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringMatching(/"Sorte".*Betreff, Text, Art, Preis/) as string,
  });
});

const NUMBERED = jsonl(
  'numbered.jsonl',
  Array.from({ length: 1000 }, (_, n) => ({ text: `row ${n}`, label: n % 10 === 0 ? 'rare' : n % 2 ? 'odd' : 'even' })),
);

it('balance: at most so many of each value, each row with the same chance, the same with the same seed', async () => {
  const recipe = (seed: number) => ({ balance: { column: 'label', most: 100, seed } });
  const { rows, report } = await cooked(NUMBERED, recipe(1));
  const counts = Object.groupBy(rows, (row) => String(row['label']));
  expect(Object.entries(counts).map(([label, own]) => [label, own?.length])).toEqual(
    expect.arrayContaining([
      ['rare', 100],
      ['odd', 100],
      ['even', 100],
    ]),
  );
  expect(report.steps).toEqual([{ step: 'balance', rows: 1000, leftOut: 700, changed: 0, added: 0 }]);
  const numbers = counts['odd']!.map((row) => Number(String(row['text']).slice(4)));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  // Not the first ones, nor the last: each fifth of the file has its share of 20, give or take four deviations.
  for (let fifth = 0; fifth < 5; fifth++) {
    const share = numbers.filter((n) => Math.floor(n / 200) === fifth).length;
    expect(Math.abs(share - 20)).toBeLessThan(16);
  }
  expect((await cooked(NUMBERED, recipe(1))).rows).toEqual(rows);
  expect((await cooked(NUMBERED, recipe(2))).rows).not.toEqual(rows);
});

it('a sample of so many rows, or all of them', async () => {
  const { rows } = await cooked(NUMBERED, { sample: { rows: 17, seed: 3 } });
  expect(new Set(rows.map((row) => row['text'])).size).toBe(17);
  expect((await cooked(NUMBERED, { sample: { rows: 5000 } })).rows).toHaveLength(1000);
});

it('rows by number are left out, before everything else', async () => {
  const { rows } = await cooked(NUMBERED, {
    leaveOut: {
      rows: [
        [0, 10],
        [12, 1000],
      ],
    },
  });
  expect(rows.map((row) => row['text'])).toEqual(['row 10', 'row 11']);
});

it('a step that is off does nothing, and the order in the JSON does not matter', async () => {
  const { rows, report } = await cooked(NUMBERED, {
    sample: { rows: 3 },
    filter: { conditions: [{ column: 'label', is: 'is', value: 'rare' }] },
    duplicates: { on: false, columns: ['label'] },
  });
  expect(rows.map((row) => row['label'])).toEqual(['rare', 'rare', 'rare']);
  expect(report.steps.map(({ step }) => step)).toEqual(['filter', 'sample']);
});

it('near-duplicates: the first of each stays', async () => {
  const base = 'Bitte senden Sie mir die Rechnung für meine letzte Bestellung noch einmal zu, vielen Dank und Grüße';
  const file = jsonl('near.jsonl', [
    { text: base },
    { text: `${base} aus Köln` },
    { text: 'Etwas ganz anderes steht hier' },
  ]);
  const { rows, preview } = await cooked(file, { nearDuplicates: { threshold: 0.7, size: 2 } });
  expect(rows.map((row) => row['text'])).toEqual([base, 'Etwas ganz anderes steht hier']);
  expect(preview.rows.map(({ leftOutBy, after }) => [leftOutBy, after.length])).toEqual([
    [null, 1],
    ['nearDuplicates', 0],
    [null, 1],
  ]);
});

it('texts within messages are trimmed and masked as well', async () => {
  const messages = [
    { role: 'user', content: ' Mein Konto ist DE89370400440532013000 ' },
    { role: 'assistant', content: 'Danke.', weight: 1 },
  ];
  const { rows } = await cooked(jsonl('chat.jsonl', [{ messages }]), { trim: {}, mask: {} });
  expect(rows).toEqual([{ messages: [{ role: 'user', content: 'Mein Konto ist [IBAN]' }, messages[1]] }]);
});

it('long texts are left out, or cut at sentences, with nothing lost but space', async () => {
  const text = Array.from({ length: 40 }, (_, i) => `Das ist der Satz Nummer ${i} über Äpfel.`).join(' ');
  const file = jsonl('long.jsonl', [
    { text, id: 7 },
    { text: 'kurz', id: 8 },
  ]);
  expect((await cooked(file, { length: { most: 100 } })).rows).toEqual([{ text: 'kurz', id: 8 }]);
  const { rows, report } = await cooked(file, { length: { most: 100, then: 'cut', column: 'text' } });
  const pieces = rows.filter(({ id }) => id === 7).map((row) => String(row['text']));
  expect(pieces.join(' ')).toBe(text);
  for (const piece of pieces) {
    expect(piece.length).toBeLessThanOrEqual(100);
    expect(piece).toMatch(/\.$/);
  }
  expect(report.steps).toEqual([{ step: 'length', rows: 2, leftOut: 0, changed: 1, added: pieces.length - 1 }]);
  // Without a seam, and not within a character that takes two units.
  expect(piecesOf('😀'.repeat(5), 3).join('')).toBe('😀'.repeat(5));
  expect(piecesOf('😀'.repeat(5), 3).every((piece) => piece.isWellFormed())).toBe(true);
});

it('a preview of a large file is one of a sample from all over it, and says so', async () => {
  const file = jsonl(
    'many.jsonl',
    Array.from({ length: 40_000 }, (_, n) => ({ text: `row ${n}`, half: n < 20_000 ? 'first' : 'second' })),
  );
  const recipe = recipeSchema.parse({ filter: { conditions: [{ column: 'half', is: 'is', value: 'first' }] } });
  const preview = await files.previewRecipe({ file }, { recipe });
  expect(preview.total).toBe(40_000);
  expect(preview.report).toMatchObject({ rows: 10_000, kept: 5000 });
  expect(preview.rows[0]).toEqual({
    line: 1,
    before: ['row 0', 'first'],
    after: [['row 0', 'first']],
    leftOutBy: null,
  });
});

it('values of a column with their counts; a column of texts has too many', async () => {
  expect(await files.distinct({ file: TICKETS }, 'Art')).toEqual({
    values: [
      { value: 'Versand', count: 2 },
      { value: 'Adresse', count: 1 },
      { value: 'Rückerstattung', count: 1 },
      { value: 'Umtausch', count: 1 },
    ],
    distinct: 4,
    complete: true,
  });
  const file = jsonl(
    'distinct.jsonl',
    Array.from({ length: 10_001 }, (_, n) => ({ text: `t${n}` })),
  );
  expect(await files.distinct({ file }, 'text')).toMatchObject({ distinct: 10_000, complete: false });
});

it('work that is called off, or whose thread is ended, leaves nothing behind, and the next goes well', async () => {
  const recipe = recipeSchema.parse({ mask: {}, nearDuplicates: {} });
  const out = path.join(folder.dir, 'ended');
  const target = path.join(out, 'x.jsonl');
  const left = () => (fs.existsSync(out) ? fs.readdirSync(out) : []);
  const controller = new AbortController();
  const onProgress = ({ done }: { done: number }): void => {
    if (done > 0) controller.abort();
  };
  const file = jsonl(
    'slow.jsonl',
    Array.from({ length: 30_000 }, (_, n) => ({ text: `row ${n} `.repeat(40) })),
  );
  const called = files.writeRecipe({ file }, target, { recipe, signal: controller.signal, onProgress });
  expect(await graftError(() => called)).toMatchObject({ code: 'CANCELLED' });
  expect(left()).toEqual([]);

  const index = await files.index({ file: NUMBERED });
  const hasty = new RowThreads({ memoryMb: 512, deadlineMs: 0 });
  const late = hasty.writeRecipe(index, target, { recipe, dir: folder.dir });
  expect(await graftError(() => late)).toMatchObject({ code: 'DATASET_TOO_SLOW' });
  expect(left()).toEqual([]);
  expect((await files.writeRecipe({ file: NUMBERED }, target, { recipe })).rows).toBeGreaterThan(0);
  expect(left()).toEqual(['x.jsonl']);
});
