import { expect, it } from 'vitest';
import { bringRowBack, changeRow, editsToSend, NO_EDITS, numbersOf, rangesOf, removeRows } from './rowEdits.ts';

it('edits are sent as they were made; a changed row that is deleted is deleted', () => {
  const changed = changeRow(changeRow(NO_EDITS, 3, { a: 1 }), 7, { a: 2 });
  const removed = removeRows({ ...changed, added: [{ a: 8 }, { a: 9 }] }, [7, 1, 2], [0]);
  expect(editsToSend(removed)).toEqual({
    changed: [{ index: 3, values: { a: 1 } }],
    removed: [
      [1, 3],
      [7, 8],
    ],
    added: [{ a: 9 }],
  });
  expect(editsToSend(bringRowBack(removed, 7))).toEqual({
    changed: [
      { index: 3, values: { a: 1 } },
      { index: 7, values: { a: 2 } },
    ],
    removed: [[1, 3]],
    added: [{ a: 9 }],
  });
  // Earlier values stay as they were: undo takes them up again.
  expect(editsToSend(changed).removed).toEqual([]);
  expect(editsToSend(NO_EDITS)).toEqual({ changed: [], removed: [], added: [] });
});

it('numbers become ranges and come back', () => {
  expect(rangesOf([])).toEqual([]);
  expect(rangesOf([0, 1, 2, 5, 7, 8])).toEqual([
    [0, 3],
    [5, 6],
    [7, 9],
  ]);
  expect([
    ...numbersOf([
      [0, 3],
      [5, 6],
      [7, 9],
    ]),
  ]).toEqual([0, 1, 2, 5, 7, 8]);
});
