import { expect, it } from 'vitest';
import { fieldsOf, valuesOf } from './rowText.ts';

it('texts stay texts, other values are JSON, and come back as they were', () => {
  const row = { prompt: 'line\n"two"', score: 3, messages: [{ role: 'user', content: 'x' }], note: null, digits: '12' };
  const fields = fieldsOf(row, ['prompt', 'score', 'messages', 'note', 'digits', 'absent']);
  expect(fields.map(({ column, isJson }) => [column, isJson])).toEqual([
    ['prompt', false],
    ['score', true],
    ['messages', true],
    ['note', true],
    ['digits', false],
    ['absent', false],
  ]);
  expect(valuesOf(fields, row)).toEqual({ values: row });
});

it('a column that is filled in is added, one that is emptied stays empty', () => {
  const fields = fieldsOf({ prompt: 'a' }, ['prompt', 'completion']);
  expect(
    valuesOf(
      fields.map((field) => ({ ...field, text: field.column === 'completion' ? 'b' : '' })),
      { prompt: 'a' },
    ),
  ).toEqual({ values: { prompt: '', completion: 'b' } });
});

it('JSON that cannot be read is told by its column', () => {
  expect(valuesOf([{ column: 'messages', text: '[{', isJson: true }], {})).toEqual({ column: 'messages' });
});
