/** Several columns as one text. */
import { describe, expect, it } from 'vitest';
import { graftError } from '../../test-support/fixtures/dataFiles.ts';
import { planColumns } from './columns.ts';
import { toExample } from './examples.ts';
import { columnsIn, joined } from './joinedColumns.ts';
import { UnusedFields } from './unusedFields.ts';

describe('a template of columns', () => {
  it.each<[string, Record<string, unknown>, unknown]>([
    [
      '{Betreff}\\n\\n{Beschreibung}',
      { Betreff: ' Drucker ', Beschreibung: 'Er druckt nicht.' },
      'Drucker\n\nEr druckt nicht.',
    ],
    ['{Betreff}\n\n{Beschreibung}', { Betreff: 'Drucker', Beschreibung: null }, 'Drucker'],
    ['Age {n}, {ok}', { n: 42, ok: false }, 'Age 42, false'],
    ['{{{a}}}', { a: 'x' }, '{x}'],
    ['Only words: {a}', { a: '  ' }, ''],
    ['{a} {a}\\tb', { a: 'x' }, 'x x\tb'],
    ['{a}', { a: ['list'] }, { a: ['list'] }],
    ['{constructor}!', {}, ''],
    ['$1 {a}', { a: '$& {b}' }, '$1 $& {b}'],
  ])('%j', (template, values, wanted) => expect(joined(template, values)).toEqual(wanted));

  it('names its columns', () => expect(columnsIn('{a}: {b c} {a} {{d}}')).toEqual(['a', 'b c']));
});

describe('in a map', () => {
  const columns = ['Betreff', 'Beschreibung', 'Antwort', 'Nr'];
  const map = { prompt: '{Betreff}\\n\\n{Beschreibung}', completion: 'Antwort' };

  it('rows are examples of the joined text, and its columns are used', () => {
    const plan = planColumns('tickets.xlsx', columns, map);
    const row = { line: 2, values: { Betreff: 'Drucker', Beschreibung: 'geht nicht', Antwort: 'Neu starten.', Nr: 7 } };
    const example = toExample(row, plan);
    expect(example).toEqual({
      line: 2,
      segments: [
        { text: 'Drucker\n\ngeht nicht', loss: false },
        { text: 'Neu starten.', loss: true },
      ],
    });
    const unused = new UnusedFields(plan);
    if (!('reason' in example)) unused.note(row, example);
    expect(unused.list()).toEqual([{ field: 'Nr', rows: 1 }]);
  });

  it('a row with nothing to join is bad, and one with a list too', () => {
    const plan = planColumns('tickets.xlsx', columns, map);
    const values = { Betreff: '', Beschreibung: null, Antwort: 'x' };
    expect(toExample({ line: 3, values }, plan)).toMatchObject({
      reason: expect.stringContaining('is empty') as string,
    });
    const list = { ...values, Betreff: ['a'] };
    expect(toExample({ line: 4, values: list }, plan)).toMatchObject({
      reason: expect.stringContaining('object') as string,
    });
  });

  it('a column that is a template by its own name is that column', () => {
    expect(planColumns('f.csv', ['{a}', 'completion'], { prompt: '{a}' })).toEqual({
      kind: 'completion',
      columns: { prompt: '{a}', completion: 'completion' },
    });
  });

  it('names a column that is not there', async () => {
    const plan = (): Promise<unknown> =>
      Promise.resolve().then(() => planColumns('tickets.xlsx', columns, { ...map, prompt: '{Betreff} {Text}' }));
    const error = await graftError(plan);
    expect(error.code).toBe('MAP_COLUMN_UNKNOWN');
    expect(error.message).toMatch(/no column "Text" to use as prompt; its columns are: Betreff, Beschreibung/);
  });
});
