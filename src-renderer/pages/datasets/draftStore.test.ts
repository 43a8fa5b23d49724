import { describe, expect, it } from 'vitest';
import { keepEdits, keptEdits, MOST_CHARACTERS } from './draftStore.ts';
import { changeRow, NO_EDITS, removeRows, type RowEdits } from './rowEdits.ts';

const CONTENT = { hash: 'abc', rows: 10 };
const EDITS: RowEdits = {
  ...removeRows(changeRow(changeRow(NO_EDITS, 3, { prompt: 'ü "x"', n: 1 }), 7, { prompt: null }), [7, 1, 2, 9]),
  added: [{ prompt: '' }],
};

/** As the browser's, with room for so many characters. */
function storage(room = Infinity, items: Record<string, string> = {}) {
  const all = new Map(Object.entries(items));
  return {
    getItem: (key: string) => all.get(key) ?? null,
    removeItem: (key: string) => void all.delete(key),
    setItem: (key: string, value: string) => {
      if (value.length > room) throw new DOMException('full', 'QuotaExceededError');
      all.set(key, value);
    },
    keys: () => [...all.keys()],
  };
}

describe('a kept draft', () => {
  it('comes back whole, a changed row that is deleted included; each version has its own', () => {
    const kept = storage();
    expect(keepEdits(kept, 'a 1', CONTENT, EDITS)).toBe(true);
    expect(keptEdits(kept, 'a 1', CONTENT)).toEqual(EDITS);
    expect(keptEdits(kept, 'a 2', CONTENT)).toEqual(NO_EDITS);
  });

  it('goes when nothing is edited any more', () => {
    const kept = storage();
    keepEdits(kept, 'a 1', CONTENT, EDITS);
    expect(keepEdits(kept, 'a 1', CONTENT, NO_EDITS)).toBe(true);
    expect(kept.keys()).toEqual([]);
  });

  it('is ignored where the file has another content now', () => {
    const kept = storage();
    keepEdits(kept, 'a 1', CONTENT, EDITS);
    expect(keptEdits(kept, 'a 1', { ...CONTENT, hash: 'abd' })).toEqual(NO_EDITS);
  });

  it.each([
    ['cut off', '{"hash":"abc","changed":['],
    ['another thing', '[]'],
    ['without a part', '{"hash":"abc","changed":[],"removed":[]}'],
    ['a row that is none', '{"hash":"abc","changed":[[10,{}]],"removed":[],"added":[]}'],
    ['values that are none', '{"hash":"abc","changed":[[1,"x"]],"removed":[],"added":[]}'],
    ['an endless range', '{"hash":"abc","changed":[],"removed":[[0,1e15]],"added":[]}'],
    ['half a row', '{"hash":"abc","changed":[],"removed":[[0.5,2]],"added":[]}'],
    ['an added row that is none', '{"hash":"abc","changed":[],"removed":[],"added":[[]]}'],
  ])('is ignored where it is damaged: %s', (_what, text) =>
    expect(keptEdits(storage(Infinity, { key: text }), 'key', CONTENT)).toEqual(NO_EDITS),
  );

  it('that is too large is not kept, and no older one in its place', () => {
    const large = (characters: number): RowEdits => ({ ...NO_EDITS, added: [{ text: 'x'.repeat(characters) }] });
    for (const [kept, edits] of [
      [storage(), large(MOST_CHARACTERS)],
      [storage(1000), large(1000)],
    ] as const) {
      expect(keepEdits(kept, 'key', CONTENT, EDITS)).toBe(true);
      expect(keepEdits(kept, 'key', CONTENT, edits)).toBe(false);
      expect(kept.keys()).toEqual([]);
    }
  });
});
