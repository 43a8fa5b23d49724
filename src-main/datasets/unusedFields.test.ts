/** Which columns are told as not used, and what they would be good for. */
import { expect, it } from 'vitest';
import { unusedText, type UnusedField } from '../../src-shared/datasets.ts';
import { planColumns } from './columns.ts';
import { toExample } from './examples.ts';
import { UnusedFields } from './unusedFields.ts';

type Values = Record<string, unknown>;

function unused(rows: Values[], classifies = false): UnusedField[] {
  const plan = planColumns('f', Object.keys(rows[0]!));
  const fields = new UnusedFields(plan, { classifies });
  for (const [i, values] of rows.entries()) {
    const example = toExample({ line: i + 1, values }, plan);
    if (!('reason' in example)) fields.note({ values }, example);
  }
  return fields.list();
}

const texts = (labels: unknown[], column = 'label'): Values[] =>
  labels.map((label, i) => ({ text: `text ${i}`, [column]: label }));
const HINT = 'to tell its labels apart, say --classify';

it.each([
  ['numbers', texts([0, 1, 2]), HINT],
  ['numbers as a CSV file has them', texts(['0', '1']), HINT],
  ['names that repeat', texts(['yes', 'no', 'no', 'yes']), HINT],
  ['another name', texts(['glad', 'sad', 'sad', 'glad'], 'sentiment'), `${HINT} --map label=sentiment`],
  ['one label only', texts([1, 1]), undefined],
  ['a text of its own for each row', texts(['a', 'b', 'c']), undefined],
  ['more than a classifier may have', texts(Array.from({ length: 101 }, (_, i) => i)), undefined],
  ['no label at all', texts([1, 0], 'source'), undefined],
])('labels of texts: %s', (_, rows, hint) => {
  const [field] = unused(rows);
  expect(field).toEqual({ field: Object.keys(rows[0]!)[1], rows: rows.length, ...(hint ? { hint } : {}) });
  expect(unusedText([field!])).toBe(`${field!.field} (${rows.length} rows${hint ? `; ${hint}` : ''})`);
});

it('a label that is learnt is used', () => expect(unused(texts([0, 1]), true)).toEqual([]));

it("KTO's marks in numbers are marks; other numbers are told", () => {
  const answer = (label: unknown): Values => ({ prompt: 'a', completion: 'b', label });
  expect(unused([answer(1), answer('1'), answer(true), answer(1n)])).toEqual([]);
  expect(unused([answer(1), answer(2)])).toEqual([{ field: 'label', rows: 1 }]);
});
